/**
 * How often every law runs: `LAW_RUNS=20 npx vitest run test/model` tries twenty times as much.
 */
const factor = Number(process.env["LAW_RUNS"] ?? 1)

if (!(factor > 0 && factor < Infinity)) {
  throw new Error(`LAW_RUNS is a factor like 20, not ${process.env["LAW_RUNS"]}`)
}

/** The runs of a law that needs so many of them, by the factor that was asked for. */
export const runs = (count: number): number => Math.ceil(count * factor)
