"""The client's side of the protocol, without event loop, socket or clock: texts and times in, texts and facts out."""
