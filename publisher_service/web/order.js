// The order of rows: by a column's value, else as the list has them.

/**
 * @template T
 * @param {readonly string[]} symbols as the list has them
 * @param {((symbol: string) => T | null | undefined) | null} valueOf of the column; null: no column
 * @param {boolean} down the largest first
 * @returns {string[]} those without a value last, equals as in the list
 */
export function ordered(symbols, valueOf, down) {
  if (!valueOf) return [...symbols];
  const sign = down ? -1 : 1;
  const held = symbols.map((symbol, place) => ({ symbol, place, value: valueOf(symbol) ?? null }));
  held.sort((one, other) => {
    if (one.value === other.value) return one.place - other.place;
    if (one.value === null) return 1;
    if (other.value === null) return -1;
    return one.value < other.value ? -sign : sign;
  });
  return held.map(({ symbol }) => symbol);
}

/** Whether two orders are the same. @param {readonly string[]} one @param {readonly string[]} other */
export function sameOrder(one, other) {
  return one.length === other.length && one.every((symbol, place) => symbol === other[place]);
}
