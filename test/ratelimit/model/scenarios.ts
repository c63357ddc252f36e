import * as FastCheck from "effect/FastCheck"
import { isThorough } from "../../support/laws.js"
import type { ServerOptions } from "./server.js"
import { proactive, reactive, adaptive, literal, pacedProactive } from "./policies.js"
import type { RequestFate, Job } from "./modelRun.js"

const fc = FastCheck

export interface Scenario {
  readonly server: ServerOptions
  readonly jobs: ReadonlyArray<Job>
  /** The end of a block by the edge that began before the first request. */
  readonly blockedUntil?: number
  /** Milliseconds by which faults of processes and stores come later. */
  readonly faultsAfter?: number
  /** When `clear` is called, or `update` with a response to a request of another program. */
  readonly meddling?: ReadonlyArray<{ readonly at: number; readonly act: "clear" | "update" }>
}

const server = (fixed: Partial<ServerOptions> = {}): FastCheck.Arbitrary<ServerOptions> =>
  fc
    .record({
      kind: fc.constantFrom("fixed" as const, "leaking" as const),
      limit: fc.integer({ min: 1, max: 7 }),
      window: fc.integer({ min: 200, max: 5000 }),
      skew: fc.oneof(fc.constant(0), fc.integer({ min: -100_000, max: 100_000 })),
      hash: fc.constantFrom("none" as const, "route" as const, "changing" as const),
      headers: fc.constant("all" as const),
      global: fc.constant(undefined),
    })
    .map((options) => ({ ...options, ...fixed }))

const soon = 60_000

/** Mostly soon, sometimes far apart, so that windows are met at every point, and sometimes after all is forgotten. */
const instant = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 0, max: 3000 }) },
  { weight: 10, arbitrary: fc.integer({ min: 0, max: soon }) },
  { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 300_000 }) },
)

const anyLatency = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6000 }) },
)

const lossyFate = fc.constantFrom<RequestFate>("bare", "neverSent", "lostBefore", "lostAfter")

const anyFate: FastCheck.Arbitrary<RequestFate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("answered" as const) },
  { weight: 1, arbitrary: lossyFate },
)

/** Mostly `undefined`. */
const sometimes = <A>(value: FastCheck.Arbitrary<A>): FastCheck.Arbitrary<A | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

const mostly = <A>(value: FastCheck.Arbitrary<A>): FastCheck.Arbitrary<A | undefined> =>
  fc.option(value, { freq: 6, nil: undefined })

const makeJob = (
  webhook: FastCheck.Arbitrary<number>,
  maybe: (value: FastCheck.Arbitrary<number>) => FastCheck.Arbitrary<number | undefined>,
) =>
  fc.record({
    at: instant,
    process: fc.nat(11),
    webhook,
    route: fc.constantFrom("POST" as const, "POST" as const, "PATCH" as const),
    ordered: fc.boolean(),
    policy: fc.constantFrom(proactive, pacedProactive, adaptive, literal, reactive),
    attempts: fc.array(fc.record({ up: anyLatency, down: anyLatency, fate: anyFate }), {
      minLength: 1,
      maxLength: 3,
    }),
    backoff: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
    maxWait: maybe(fc.integer({ min: 0, max: 8000 })),
    leavesAfter: maybe(fc.integer({ min: 0, max: 4000 })),
  })

/** Mostly for one webhook, so that requests meet. */
const job = makeJob(fc.constantFrom(0, 0, 0, 0, 1, 2), sometimes)

/** Its caller mostly leaves. */
const hastyJob = makeJob(fc.integer({ min: 0, max: 2 }), mostly)

/** Half of its attempts show nothing of the limit. */
const lossyJob = fc
  .tuple(job, fc.infiniteStream(fc.oneof(anyFate, lossyFate)))
  .map(([one, fates]): Job => ({
    ...one,
    attempts: one.attempts.map((attempt) => ({ ...attempt, fate: fates.next().value ?? "bare" })),
  }))

const listOf = (jobs: FastCheck.Arbitrary<Job>): FastCheck.Arbitrary<ReadonlyArray<Job>> =>
  fc.array(jobs, { minLength: 1, maxLength: 40, size: "max" })

const jobList = listOf(job)

/** Everything at once. */
export const anything: FastCheck.Arbitrary<Scenario> = fc.record({
  server: fc.oneof(
    server(),
    server({ hash: "shared" }),
    server({ headers: "none" }),
    server({ headers: "noReset" }),
    server({ global: 5 }),
    server({ channel: { limit: 6, window: 4000 } }),
    server({ hash: "shared", channel: { limit: 3, window: 20_000 } }),
  ),
  jobs: jobList,
  meddling: fc.array(
    fc.record({ at: instant, act: fc.constantFrom("clear" as const, "update" as const) }),
    { maxLength: 2 },
  ),
})

/** Long enough for a window to be over. */
const warmUp = 10_000

const firstOf = (webhook: number, route: Job["route"], at: number): Job => ({
  at,
  webhook,
  route,
  ordered: true,
  policy: literal,
  attempts: [{ up: 0, down: 0, fate: "answered" }],
  backoff: 0,
  maxWait: undefined,
  leavesAfter: undefined,
})

/**
 * A server whose limits are all in its headers, and a program that takes them literally. One response of
 * each route shows them, on the first or on each of the webhooks; before, a request without a response may be
 * one too many.
 */
export const literallyAfter = (webhooks: ReadonlyArray<number>): FastCheck.Arbitrary<Scenario> =>
  fc.record({
    server: fc.oneof(server(), server({ hash: "shared" })),
    faultsAfter: fc.constant(2 * warmUp),
    jobs: fc.oneof(jobList, listOf(hastyJob), listOf(lossyJob)).map((jobs) => [
      ...webhooks.map((webhook) => firstOf(webhook, "POST", 0)),
      ...webhooks.map((webhook) => firstOf(webhook, "PATCH", warmUp)),
      ...jobs.map((one) => ({
        ...one,
        at: Math.min(one.at, soon) + 2 * warmUp,
        policy: literal,
        maxWait: undefined,
      })),
    ]),
  })

export const literally = literallyAfter([0])

/**
 * The same by the strategies, on a link that is as slow for all and both ways always. The reactive strategy
 * does not count requests in flight.
 */
export const steadily: FastCheck.Arbitrary<Scenario> = fc
  .record({
    options: server(),
    policy: fc.constantFrom(proactive, pacedProactive, adaptive, reactive),
    up: fc.integer({ min: 0, max: 600 }),
    down: fc.integer({ min: 0, max: 600 }),
    jobs: jobList,
  })
  .map(({ options, policy, up, down, jobs }) => ({
    server: options,
    jobs: jobs.map((one) => ({
      ...one,
      policy,
      ordered: one.ordered || policy === reactive,
      attempts: [{ up, down, fate: "answered" as const }],
      maxWait: undefined,
      leavesAfter: undefined,
    })),
  }))

/** The same on a link whose latency varies. */
export const unsteadily: FastCheck.Arbitrary<Scenario> = fc.record({
  server: server(),
  jobs: fc.array(
    job.map((one) => ({
      ...one,
      policy: proactive,
      attempts: one.attempts.map((attempt) => ({ ...attempt, fate: "answered" as const })),
      maxWait: undefined,
      leavesAfter: undefined,
    })),
    { minLength: 1, maxLength: 40 },
  ),
})

export const globalLimit = 5

/** Many webhooks at once on a server that counts all of them together, on a steady link. */
export const crowd: FastCheck.Arbitrary<Scenario> = fc
  .record({
    options: server({ global: globalLimit, limit: 100 }),
    up: fc.integer({ min: 0, max: 600 }),
    down: fc.integer({ min: 0, max: 600 }),
    jobs: fc.array(fc.record({ base: job, webhook: fc.integer({ min: 0, max: 20 }) }), {
      minLength: 1,
      maxLength: 60,
    }),
  })
  .map(({ options, up, down, jobs }) => ({
    server: options,
    jobs: jobs.map(({ base, webhook }) => ({
      ...base,
      webhook,
      policy: proactive,
      attempts: [{ up, down, fate: "answered" as const }],
      // Who leaves in flight is counted early, as on a faster link.
      leavesAfter: undefined,
    })),
  }))

/** Webhooks of one channel, whose limit no header shows, on a steady link. */
export const oneChannel: FastCheck.Arbitrary<Scenario> = fc
  .record({
    options: server({ limit: 5, window: 2000, hash: "route" }),
    limit: fc.integer({ min: 10, max: 30 }),
    webhooks: fc.integer({ min: 2, max: 5 }),
    up: fc.integer({ min: 0, max: 300 }),
    down: fc.integer({ min: 0, max: 300 }),
    jobs: fc.array(
      fc.record({ base: job, at: fc.integer({ min: 0, max: 200_000 }), webhook: fc.nat(4) }),
      { minLength: 80, maxLength: 200 },
    ),
  })
  .map(({ options, limit, webhooks, up, down, jobs }) => ({
    server: { ...options, channel: { limit, window: 60_000 } },
    jobs: jobs.map(({ base, at, webhook }) => ({
      ...base,
      at,
      webhook: webhook % webhooks,
      route: "POST" as const,
      ordered: true,
      policy: adaptive,
      attempts: [{ up, down, fate: "answered" as const }],
      maxWait: undefined,
      leavesAfter: undefined,
    })),
  }))

/** A block in front of the API that gives no delay. */
export const blockedByTheEdge: FastCheck.Arbitrary<Scenario> = fc
  .record({
    options: server({ limit: 100 }),
    // Ten minutes see three of its delays, in a sixth of the time.
    blockedUntil: fc.integer({ min: 1, max: isThorough ? 3_600_000 : 600_000 }),
    jobs: jobList,
  })
  .map(({ options, blockedUntil, jobs }) => ({
    server: { ...options, edgeUntil: blockedUntil },
    blockedUntil,
    jobs: jobs.map((one) => ({
      ...one,
      attempts: one.attempts.map((attempt) => ({ ...attempt, fate: "answered" as const })),
      maxWait: undefined,
      leavesAfter: undefined,
    })),
  }))

// --- what was found once ----------------------------------------------------------------------

/** An ordered request gets its permit, and a concurrent one the next and begins before it. */
export const overtaken: Scenario = {
  server: found({ kind: "fixed", window: 200, hash: "none" }),
  jobs: [
    jobOf({ at: 372, attempts: [answeredIn(92, 152)] }),
    jobOf({ at: 616, route: "PATCH" }),
    jobOf({ at: 372, ordered: true }),
  ],
}

/** On a bucket that turns out to leak, a request is given up while another is under way before it. */
export const inDoubtBehindAnother: Scenario = {
  server: found({ kind: "leaking", window: 905, hash: "shared" }),
  jobs: [
    jobOf({ policy: literal, ordered: true }),
    jobOf({ policy: literal, at: 10_000, route: "PATCH", ordered: true }),
    jobOf({ policy: literal, at: 20_316 }),
    jobOf({ policy: literal, at: 20_316, attempts: [{ up: 0, down: 0, fate: "bare" }] }),
    jobOf({ policy: literal, at: 20_315, attempts: [answeredIn(0, 904), answeredIn(0, 0)] }),
    jobOf({
      policy: literal,
      at: 20_314,
      attempts: [answeredIn(2, 451), answeredIn(0, 0)],
      leavesAfter: 452,
    }),
  ],
}

function found(about: Pick<ServerOptions, "kind" | "window" | "hash">): ServerOptions {
  return { limit: 2, skew: 0, headers: "all", global: undefined, ...about }
}

function jobOf(about: Partial<Job>): Job {
  return {
    at: 0,
    webhook: 1,
    route: "POST",
    ordered: false,
    policy: proactive,
    attempts: [answeredIn(0, 0)],
    backoff: 0,
    maxWait: undefined,
    leavesAfter: undefined,
    ...about,
  }
}

function answeredIn(up: number, down: number): Job["attempts"][number] {
  return { up, down, fate: "answered" }
}
