/** The laws of the rate-limit model, on every implementation: thousands of random runs. */
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { inTurns, isLong, isThorough, runs } from "../../support/laws.js"
import type { Environment, Implementation, Played, PlayOptions } from "./implementation.js"
import { implementations } from "./implementations.js"
import type { Exchange } from "./modelRun.js"
import {
  anything,
  blockedByTheEdge,
  crowd,
  globalLimit,
  inDoubtBehindAnother,
  literallyAfter,
  oneChannel,
  overtaken,
  type Scenario,
  steadily,
  unsteadily,
} from "./scenarios.js"

interface LawOptions extends PlayOptions {
  /**
   * Decides which of six stores plays the law while typing. A law that needs `keepsResponses` cannot have turn 5: the
   * last store does not keep them.
   */
  readonly turn: number
  readonly examples?: ReadonlyArray<Scenario>
  readonly count?: number
  readonly takesHours?: boolean
}

type Check = (played: Played, scenario: Scenario, environment: Environment) => void

/** First in, first out for the first requests of the jobs of a route. */
const checkOrder = (
  { order }: Implementation,
  { exchanges, endedAt, processOf }: Played,
  { jobs }: Scenario,
  knownAfter: number,
) => {
  const first = new Map<number, Exchange>()
  for (const exchange of exchanges) if (!first.has(exchange.job)) first.set(exchange.job, exchange)
  for (const [later, { sentAt }] of first)
    for (const [earlier, job] of jobs.slice(0, processOf.length).entries()) {
      const other = jobs[later]!
      if (job.webhook !== other.webhook || job.route !== other.route) continue
      const isSame = processOf[earlier] === processOf[later]
      if (order === "process" && !isSame) continue
      if (job.at + (isSame ? 0 : knownAfter) >= other.at) continue
      const own = first.get(earlier)?.sentAt ?? Number.POSITIVE_INFINITY
      if (own > sentAt && (endedAt[earlier] ?? Number.POSITIVE_INFINITY) > sentAt)
        expect.fail(`job ${later} overtook job ${earlier}`)
    }
}

/** An ordered request begins while no other one to the webhook is in flight. */
const checkAlone = (
  { keepsTurns }: Implementation,
  { exchanges, gone, paused, processOf }: Played,
  { jobs }: Scenario,
) => {
  for (const one of exchanges) {
    if (!jobs[one.job]!.ordered) continue
    for (const other of exchanges) {
      if (jobs[one.job]!.webhook !== jobs[other.job]!.webhook) continue
      // Others cannot know what a process that does not respond still has in flight.
      const process = processOf[other.job]!
      if (gone.has(process) || paused.has(process)) continue
      if (!keepsTurns && process !== processOf[one.job]) continue
      if (other.sentAt < one.sentAt && one.sentAt < other.endedAt)
        expect.fail(`job ${one.job} began while job ${other.job} was in flight`)
    }
  }
}

/** Every request of a process that is not gone gets a response. */
const checkAnswered = ({ ends, gone, processOf }: Played) => {
  for (const [index, end] of ends.entries())
    if (!gone.has(processOf[index]!)) expect(end).toBe("answered")
}

/**
 * The same runs each time where processes share a store, so that a rare fault does not stop a change that has
 * nothing to do with it. The weekly run plays new ones.
 */
const seed = 1

const expectedEnds = ({ leavesAfter, maxWait }: Scenario["jobs"][number]) => [
  "answered",
  "unknown",
  "refused",
  "neverSent",
  ...(maxWait === undefined ? [] : ["WebhookRateLimited"]),
  ...(leavesAfter === undefined ? [] : ["left"]),
]

const endsOfGone = ["never began", "killed", "left", "DiscordRateLimiterClosed"]

/** The implementations that play a law: all of them in CI. */
const playersOf = (turn: number): ReadonlyArray<Implementation> => {
  const inTurn = implementations.filter(({ takesTurns }) => takesTurns)
  const others = implementations.filter(({ takesTurns }) => !takesTurns)
  return [...others, ...inTurns(inTurn, turn, 6)]
}

for (const implementation of implementations) {
  const {
    channelProbes,
    environments,
    isAvailable,
    isExact,
    name,
    play,
    routesKnownBy,
    share,
    shareOfHours,
  } = implementation
  const calm: Environment = {
    ...FastCheck.sample(environments, { numRuns: 1, seed: 0 })[0]!,
    faults: [],
  }
  const sameRuns = share < 0.1 && !isLong ? { seed } : {}
  const law = (
    title: string,
    scenarios: FastCheck.Arbitrary<Scenario>,
    check: Check,
    { count = 2000, examples = [], takesHours = false, turn, ...options }: LawOptions,
  ) =>
    it.skipIf(!playersOf(turn).includes(implementation))(title, { timeout: 0 }, () =>
      FastCheck.assert(
        FastCheck.asyncProperty(scenarios, environments, async (scenario, environment) => {
          check(await play(scenario, environment, options), scenario, environment)
        }),
        {
          // Examples are the first of these runs.
          numRuns: examples.length + runs(count * (takesHours ? shareOfHours : share)),
          examples: examples.map((scenario): [Scenario, Environment] => [scenario, calm]),
          // To shrink a run on fibers takes minutes; its seed repeats it.
          endOnFailure: share < 1,
          ...sameRuns,
        },
      ),
    )
  const literally = literallyAfter(routesKnownBy === "process" ? [0] : [0, 1, 2])

  describe.skipIf(!isAvailable)(`the laws, on ${name}`, () => {
    if (implementation.keepsResponses)
      law(
        "1: no 429 where all limits are visible, at any latency, loss and interruption",
        literally,
        ({ refused }) => expect(refused).toBe(0),
        { turn: 0, examples: [inDoubtBehindAnother] },
      )

    law(
      "2, 3, 8: with any events, every request ends exactly once, first in, first out, and alone if ordered",
      anything,
      (played, scenario, environment) => {
        const { ends, exchanges, gone, open, processOf } = played
        // On a real clock, only the first jobs are played.
        for (const [index, end] of ends.entries()) {
          const isGone = gone.has(processOf[index]!)
          const expected = expectedEnds(scenario.jobs[index]!)
          expect([...expected, ...(isGone ? endsOfGone : [])]).toContain(end)
        }
        for (const { endedAt, job } of exchanges)
          if (!gone.has(processOf[job]!)) expect(endedAt).toBeLessThan(Number.POSITIVE_INFINITY)
        const accepted = exchanges.filter(({ status }) => status === 200)
        expect(new Set(accepted.map(({ job }) => job)).size).toBe(accepted.length)
        expect(open).toBe(0)
        checkOrder(implementation, played, scenario, implementation.knownAfter(environment))
        checkAlone(implementation, played, scenario)
      },
      { turn: 5, examples: [overtaken] },
    )

    if (!isExact) return

    if (implementation.keepsResponses)
      law(
        "1: no 429 by the strategies on a steady link",
        steadily,
        ({ refused }) => expect(refused).toBe(0),
        { turn: 2 },
      )

    law(
      "6: when all is over, everything is forgotten",
      anything,
      ({ remembered }) => expect(remembered).toBe(0),
      { turn: 3, isForgetting: true, takesHours: true },
    )

    law(
      "1: webhooks of one channel get one 429 each, and few more, before its hidden limit is known",
      oneChannel,
      (played, { jobs }) => {
        expect(played.refused).toBeLessThanOrEqual(
          new Set(jobs.map(({ webhook }) => webhook)).size + channelProbes,
        )
        checkAnswered(played)
      },
      { turn: 4, count: 500 },
    )

    it.skipIf(!playersOf(1).includes(implementation))(
      "1: on an unsteady link the proactive strategy gets at most one 429 in a hundred requests",
      async () => {
        let refused = 0
        let sent = 0
        await FastCheck.assert(
          FastCheck.asyncProperty(unsteadily, environments, async (scenario, environment) => {
            const played = await play(scenario, environment, {})
            refused += played.refused
            sent += played.exchanges.length
          }),
          // A share of few requests says nothing, so a short run always plays the same ones.
          {
            numRuns: Math.max(share < 0.1 ? 5 : 20, runs(2000 * share)),
            ...(isThorough ? sameRuns : { seed }),
          },
        )
        expect(sent).toBeGreaterThan(20)
        expect(refused).toBeLessThan(sent / 100)
      },
    )

    law(
      "5: no interval of a second holds more sends than the global limit",
      crowd,
      ({ exchanges, paused, refusedGlobally }) => {
        // Of a process that stood still for a lease, the others do not reserve its minimum of one request.
        const most = globalLimit + paused.size
        const sends = exchanges.map(({ sentAt }) => sentAt).sort((a, b) => a - b)
        for (const [index, at] of sends.entries()) {
          const later = sends[index + most]
          if (later !== undefined) expect(later - at).toBeGreaterThanOrEqual(1000)
        }
        if (paused.size === 0) expect(refusedGlobally).toBe(0)
      },
      { turn: 6, globalLimit },
    )

    law(
      "9: blocked by the edge, a request a minute at most",
      blockedByTheEdge,
      (played, { blockedUntil = 0 }) => {
        const { exchanges, firstOutcomeAt } = played
        const inTheBlock = exchanges.filter(({ sentAt }) => sentAt < blockedUntil).length
        const together = exchanges.filter(({ sentAt }) => sentAt <= firstOutcomeAt).length
        // 60 s, 120 s, 240 s, ... up to 15 min apart.
        const probes = Math.max(1, Math.ceil(blockedUntil / 60_000))
        expect(inTheBlock).toBeLessThanOrEqual(together + probes)
        checkAnswered(played)
      },
      { turn: 7, takesHours: true },
    )
  })
}
