/** Statistics of many measurements. */

export function quantile(values: ReadonlyArray<number>, share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** More digits are not significant. */
export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(value === 0 ? 0 : 2)
}

/** The figure of each row relative to the row of `base` in the same group. */
export function relative<Row extends { readonly peer: string }>(
  rows: ReadonlyArray<Row>,
  base: string,
  group: (row: Row) => string,
  figure: (row: Row) => number,
): ReadonlyArray<number> {
  const bases = new Map(
    rows.filter(({ peer }) => peer === base).map((row) => [group(row), figure(row)]),
  )
  return rows.map((row) => figure(row) / (bases.get(group(row)) ?? Number.NaN))
}
