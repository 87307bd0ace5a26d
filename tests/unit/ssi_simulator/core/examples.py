"""
One content of each message type as the feed writes it: the yardstick for shapes. All numbers are invented.

Here every line break is ours: the texts are single lines on the wire.
"""

STATUS = (
    '{"RType":"F","MarketId":"HOSE","TradingDate":"16/11/2026","Time":"09:15:00","Symbol":"SSI",'
    '"TradingSession":"LO","TradingStatus":"N","Exchange":"HOSE","TradingOlSession":""}'
)

SNAPSHOT_OF_A_STOCK = (
    '{"RType":"X","TradingDate":"16/11/2026","Time":"10:42:17","Isin":"SSI","Symbol":"SSI","Ceiling":33350.0,'
    '"Floor":29050.0,"RefPrice":31200.0,"Open":31300.0,"High":31650.0,"Low":31150.0,"Close":31500.0,'
    '"AvgPrice":31416.2657141,"PriorVal":31200.0,"LastPrice":31500.0,"LastVol":1200.0,"TotalVal":387852650000.0,'
    '"TotalVol":12345600.0,"BidPrice1":31450.0,"BidPrice2":31400.0,"BidPrice3":31350.0,"BidPrice4":0.0,'
    '"BidPrice5":0.0,"BidPrice6":0.0,"BidPrice7":0.0,"BidPrice8":0.0,"BidPrice9":0.0,"BidPrice10":0.0,'
    '"BidVol1":41200.0,"BidVol2":88500.0,"BidVol3":60300.0,"BidVol4":0.0,"BidVol5":0.0,"BidVol6":0.0,'
    '"BidVol7":0.0,"BidVol8":0.0,"BidVol9":0.0,"BidVol10":0.0,"AskPrice1":31500.0,"AskPrice2":31550.0,'
    '"AskPrice3":31600.0,"AskPrice4":0.0,"AskPrice5":0.0,"AskPrice6":0.0,"AskPrice7":0.0,"AskPrice8":0.0,'
    '"AskPrice9":0.0,"AskPrice10":0.0,"AskVol1":12700.0,"AskVol2":95400.0,"AskVol3":130800.0,"AskVol4":0.0,'
    '"AskVol5":0.0,"AskVol6":0.0,"AskVol7":0.0,"AskVol8":0.0,"AskVol9":0.0,"AskVol10":0.0,"MarketId":"HOSE",'
    '"Exchange":"HOSE","TradingSession":"LO","TradingStatus":"N","Change":300.0,"RatioChange":0.96,'
    '"EstMatchedPrice":0.0,"Side":null,"CloseQtty":0.0}'
)

SNAPSHOT_OF_A_FUTURE = (
    '{"RType":"X","TradingDate":"16/11/2026","Time":"10:42:17","Isin":"41I1GB000","Symbol":"41I1GB000",'
    '"Ceiling":2022.8,"Floor":1758.2,"RefPrice":1890.5,"Open":1889.0,"High":1897.2,"Low":1886.4,"Close":1894.2,'
    '"AvgPrice":189370000.0,"PriorVal":1890.5,"LastPrice":1894.2,"LastVol":3.0,"TotalVal":22421786740000.0,'
    '"TotalVol":118402.0,"BidPrice1":1894.1,"BidPrice2":1894.0,"BidPrice3":1893.9,"BidPrice4":1893.8,'
    '"BidPrice5":1893.7,"BidPrice6":1893.6,"BidPrice7":1893.5,"BidPrice8":1893.4,"BidPrice9":1893.3,'
    '"BidPrice10":1893.2,"BidVol1":31.0,"BidVol2":54.0,"BidVol3":12.0,"BidVol4":40.0,"BidVol5":77.0,'
    '"BidVol6":103.0,"BidVol7":25.0,"BidVol8":18.0,"BidVol9":160.0,"BidVol10":92.0,"AskPrice1":1894.3,'
    '"AskPrice2":1894.4,"AskPrice3":1894.5,"AskPrice4":1894.6,"AskPrice5":1894.7,"AskPrice6":1894.8,'
    '"AskPrice7":1894.9,"AskPrice8":1895.0,"AskPrice9":1895.1,"AskPrice10":1895.2,"AskVol1":8.0,"AskVol2":61.0,'
    '"AskVol3":44.0,"AskVol4":19.0,"AskVol5":23.0,"AskVol6":85.0,"AskVol7":30.0,"AskVol8":212.0,"AskVol9":9.0,'
    '"AskVol10":57.0,"MarketId":"DERIVATIVES","Exchange":"DERIVATIVES","TradingSession":"LO",'
    '"TradingStatus":"Normal","Change":3.7000000000000455,"RatioChange":0.2,"EstMatchedPrice":1894.2,"Side":null,'
    '"CloseQtty":0.0}'
)

SNAPSHOT_BEFORE_THE_FIRST_TRADE = (
    '{"RType":"X","TradingDate":"16/11/2026","Time":"08:00:06","Isin":"41I1GC000","Symbol":"41I1GC000",'
    '"Ceiling":2025.5,"Floor":1760.5,"RefPrice":1893.0,"Open":0.0,"High":0.0,"Low":0.0,"Close":0.0,'
    '"AvgPrice":"NaN","PriorVal":1893.0,"LastPrice":0.0,"LastVol":0.0,"TotalVal":0.0,"TotalVol":0.0,'
    '"BidPrice1":0.0,"BidPrice2":0.0,"BidPrice3":0.0,"BidPrice4":0.0,"BidPrice5":0.0,"BidPrice6":0.0,'
    '"BidPrice7":0.0,"BidPrice8":0.0,"BidPrice9":0.0,"BidPrice10":0.0,"BidVol1":0.0,"BidVol2":0.0,"BidVol3":0.0,'
    '"BidVol4":0.0,"BidVol5":0.0,"BidVol6":0.0,"BidVol7":0.0,"BidVol8":0.0,"BidVol9":0.0,"BidVol10":0.0,'
    '"AskPrice1":0.0,"AskPrice2":0.0,"AskPrice3":0.0,"AskPrice4":0.0,"AskPrice5":0.0,"AskPrice6":0.0,'
    '"AskPrice7":0.0,"AskPrice8":0.0,"AskPrice9":0.0,"AskPrice10":0.0,"AskVol1":0.0,"AskVol2":0.0,"AskVol3":0.0,'
    '"AskVol4":0.0,"AskVol5":0.0,"AskVol6":0.0,"AskVol7":0.0,"AskVol8":0.0,"AskVol9":0.0,"AskVol10":0.0,'
    '"MarketId":"DERIVATIVES","Exchange":"DERIVATIVES","TradingSession":"C","TradingStatus":"Normal",'
    '"Change":-1893.0,"RatioChange":-100.0,"EstMatchedPrice":0.0,"Side":null,"CloseQtty":0.0}'
)

QUOTE = (
    '{"TradingDate":"16/11/2026","Time":"10:42:17","Exchange":"HOSE","Symbol":"SSI","RType":"X-QUOTE",'
    '"AskPrice1":31500.0,"AskPrice2":31550.0,"AskPrice3":31600.0,"AskPrice4":0.0,"AskPrice5":0.0,"AskPrice6":0.0,'
    '"AskPrice7":0.0,"AskPrice8":0.0,"AskPrice9":0.0,"AskPrice10":0.0,"AskVol1":12700.0,"AskVol2":95400.0,'
    '"AskVol3":130800.0,"AskVol4":0.0,"AskVol5":0.0,"AskVol6":0.0,"AskVol7":0.0,"AskVol8":0.0,"AskVol9":0.0,'
    '"AskVol10":0.0,"BidPrice1":31450.0,"BidPrice2":31400.0,"BidPrice3":31350.0,"BidPrice4":0.0,"BidPrice5":0.0,'
    '"BidPrice6":0.0,"BidPrice7":0.0,"BidPrice8":0.0,"BidPrice9":0.0,"BidPrice10":0.0,"BidVol1":41200.0,'
    '"BidVol2":88500.0,"BidVol3":60300.0,"BidVol4":0.0,"BidVol5":0.0,"BidVol6":0.0,"BidVol7":0.0,"BidVol8":0.0,'
    '"BidVol9":0.0,"BidVol10":0.0,"TradingSession":"LO"}'
)

TRADE = (
    '{"RType":"X-TRADE","TradingDate":"16/11/2026","Time":"10:42:17","Isin":"SSI","Symbol":"SSI",'
    '"Ceiling":33350.0,"Floor":29050.0,"RefPrice":31200.0,"AvgPrice":31416.266,"PriorVal":31200.0,'
    '"LastPrice":31500.0,"LastVol":1200.0,"TotalVal":387852650000.0,"TotalVol":12345600.0,"MarketId":"HOSE",'
    '"Exchange":"HOSE","TradingSession":"LO","TradingStatus":"N","Change":300.0,"RatioChange":0.96,'
    '"EstMatchedPrice":0.0,"Highest":31650,"Lowest":31150,"Side":"BU"}'
)

FOREIGN = (
    '{"RType":"R","TradingDate":"16/11/2026","Time":"10:42:20","Isin":"SSI","Symbol":"SSI",'
    '"TotalRoom":2503089220.0,"CurrentRoom":1740112345.0,"BuyVol":845300.0,"SellVol":1204600.0,'
    '"BuyVal":26626950000.0,"SellVal":37944900000.0,"MarketId":"HOSE","Exchange":"HOSE"}'
)

INDEX = (
    '{"IndexId":"VNINDEX","IndexValue":1802.44,"PriorIndexValue":1795.1,"TradingDate":"16/11/2026",'
    '"Time":"10:42:15","TotalTrade":0.0,"TotalQtty":312448900.0,"TotalValue":8127334500000.0,'
    '"IndexName":"VNINDEX","Advances":176,"NoChanges":58,"Declines":121,"Ceilings":6,"Floors":1,"Change":7.34,'
    '"RatioChange":0.41,"TotalQttyPt":11250400.0,"TotalValuePt":402118000000.0,"Exchange":"HOSE",'
    '"AllQty":323699300.0,"AllValue":8529452500000.0,"IndexType":"Main","TradingSession":"LO","MarketId":"HOSE",'
    '"RType":"MI","TotalQttyOd":0.0,"TotalValueOd":0.0}'
)

BAR = (
    '{"RType":"B","TradingDate":"16/11/2026","Time":"10:42:17","Symbol":"SSI","Open":31500.0,"High":31500.0,'
    '"Low":31500.0,"Close":31500.0,"Volume":1200.0,"Value":0.0}'
)

ODD_LOTS = (
    '{"RType":"OL","TradingDate":"16/11/2026","Time":"10:42:19","StockNo":2731,"Symbol":"SSI","Ceiling":33350,'
    '"Floor":29050,"RefPrice":31200,"Open":31200,"High":31600,"Low":31100,"LastPrice":31450,"LastVol":37,'
    '"TotalVal":388015409650.0,"TotalVol":12350781,"BidPrice1":31450,"BidPrice2":31400,"BidPrice3":31350,'
    '"BidVol1":312,"BidVol2":145,"BidVol3":88,"AskPrice1":31550,"AskPrice2":31600,"AskPrice3":31700,"AskVol1":60,'
    '"AskVol2":210,"AskVol3":75,"Exchange":"HOSE","TradingSession":"LO","TradingStatus":"N","Change":250,'
    '"RatioChange":0.8,"StockType":"Stock"}'
)
