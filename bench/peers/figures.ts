/** What is made of many measurements. */

export function quantile(values: ReadonlyArray<number>, share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** Three digits are more than such a figure is worth. */
export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(value === 0 ? 0 : 2)
}

export interface Ratio {
  readonly figure: string
  readonly peer: string
  readonly other: string
  readonly ratio: number
}

export function ratioTo<Row extends { readonly peer: string }>(
  rows: ReadonlyArray<Row>,
  peer: string,
  other: string,
  figure: string,
  pick: (row: Row) => number,
): Ratio {
  const of = (name: string): number => {
    const row = rows.find((one) => one.peer === name)
    return row === undefined ? Number.NaN : pick(row)
  }
  return { figure, peer, other, ratio: of(peer) / of(other) }
}
