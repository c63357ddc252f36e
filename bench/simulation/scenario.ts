/** What a bench run is about: how many messages, what the server allows, how the link behaves. */
import type { BucketModel } from "../../src/testing/simulator/bucket.js"
import type { Options } from "../../src/testing/simulator/options.js"

export interface Link {
  /** Milliseconds to the server and back, for the message of that number, drawn once. */
  readonly there: (random: () => number) => number
  readonly back: (random: () => number) => number
  /** No way there, or back, is shorter, nor longer. */
  readonly shortest: number
  readonly longest: number
}

interface Limit {
  readonly limit: number
  readonly period: number
}

export interface Scenario {
  readonly name: string
  readonly webhooks: number
  /** Webhooks of each channel; default 1. Their responses contain the channel if there are more. */
  readonly perChannel?: number | undefined
  /** Messages for each webhook, all there at the start. */
  readonly messages: number
  /** By webhook: how many times as many messages it has; default 1. */
  readonly weights?: ReadonlyArray<number> | undefined
  readonly model: BucketModel
  readonly delivery: "ordered" | "concurrent"
  readonly link: Link
  readonly visible: Limit
  readonly hidden?: (Limit & { readonly model: BucketModel }) | undefined
  /** Requests in a second of the server's clock. */
  readonly global?: number | undefined
  /**
   * Of these, the requests of other clients behind the same address: a number from `least` to `most`,
   * drawn every `interval` milliseconds.
   */
  readonly neighbours?:
    | { readonly least: number; readonly most: number; readonly interval: number }
    | undefined
  readonly skew?: number | undefined
  /** Other limits from an instant (milliseconds) on. */
  readonly changes?: ReadonlyArray<{ readonly at: number; readonly limit: number }> | undefined
  /** Slots that others take on every webhook, on average for each second. */
  readonly foreignPerSecond?: number | undefined
  /** Shared 429s: the chance a second that a webhook is closed, and for how long (milliseconds). */
  readonly shared?: { readonly perSecond: number; readonly length: number } | undefined
  /** The share of requests that the server answers 502. */
  readonly faults?: number | undefined
}

/** The server's clock at the start: some second of 2026, not a whole one. */
export const epoch = 1_790_000_000_400

/** The same time for all, half of it each way. */
export const constant = (roundTrip: number): Link => ({
  there: () => roundTrip / 2,
  back: () => roundTrip / 2,
  shortest: roundTrip / 2,
  longest: roundTrip / 2,
})

/** Log-normal, by its median and its 99th percentile (milliseconds, each way half of it). */
export const heavyTailed = (median: number, p99: number): Link => {
  const sigma = Math.log(p99 / median) / 2.326
  const draw = (random: () => number) =>
    (median / 2) *
    Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
  return { there: draw, back: draw, shortest: 0, longest: Number.POSITIVE_INFINITY }
}

export const jittered = (least: number, most: number): Link => {
  const draw = (random: () => number) => (least + (most - least) * random()) / 2
  return { there: draw, back: draw, shortest: least / 2, longest: most / 2 }
}

/** As the simulator takes it. */
export const serverOptions = (scenario: Scenario, seed: number): Options => ({
  seed,
  limits: {
    execute: {
      limit: scenario.visible.limit,
      period: scenario.visible.period,
      model: scenario.model,
    },
  },
  globalLimit: scenario.global ?? "none",
  hiddenLimit: scenario.hidden ?? "none",
  clockSkew: scenario.skew ?? 0,
  maxStoredMessages: 0,
  maxTrafficRecords: 0,
})
