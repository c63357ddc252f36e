/** Backlogs to be worked off as soon as the limits allow, all calls made at once. */

export interface Drain {
  readonly name: string
  readonly messages: number
  readonly webhooks: number
  readonly limit: number
  readonly periodMs: number
  /** Milliseconds from request to answer. */
  readonly linkMs: number
  /** The least that anyone who delivers in order can take, without the machine's own time. */
  readonly optimumMs: number
  /** Nothing has to wait: then the machine's own time is all there is. */
  readonly isFree: boolean
  readonly rounds: number
  /** Requests per second that the server accepts, where each library assumes 50. */
  readonly global?: number | undefined
  /** Left out of a quick run. */
  readonly long: boolean
}

/**
 * In order, one request of a webhook is under way at a time: a window of `limit` messages takes the
 * longer of its period and `limit` round trips. A window opens when its first request arrives; the
 * first of the next may arrive when it closes, so that a period is all that one window costs.
 */
function optimum(messages: number, limit: number, periodMs: number, linkMs: number): number {
  const windows = Math.ceil(messages / limit)
  const last = messages - (windows - 1) * limit
  return (windows - 1) * Math.max(periodMs, limit * linkMs) + last * linkMs
}

function drain(
  options: Pick<Drain, "messages" | "webhooks" | "periodMs" | "linkMs"> & { rounds?: number },
): Drain {
  const { messages, webhooks, periodMs, linkMs, rounds = 5 } = options
  const limit = 5
  const each = Math.ceil(messages / webhooks)
  const optimumMs = optimum(each, limit, periodMs, linkMs)
  const long = optimumMs > 2000
  const link = linkMs === 0 ? "" : `, ${linkMs} ms link`
  const hooks = webhooks === 1 ? "1 webhook" : `${webhooks} webhooks`
  return {
    name: `${messages} on ${hooks}, ${limit} per ${periodMs} ms${link}`,
    messages,
    webhooks,
    limit,
    periodMs,
    linkMs,
    optimumMs,
    isFree: each <= limit && linkMs === 0,
    rounds: long ? 1 : rounds,
    long,
  }
}

export const drains: ReadonlyArray<Drain> = [
  drain({ messages: 200, webhooks: 1, periodMs: 200, linkMs: 0 }),
  drain({ messages: 200, webhooks: 10, periodMs: 200, linkMs: 0 }),
  drain({ messages: 2000, webhooks: 10, periodMs: 200, linkMs: 0 }),
  drain({ messages: 200, webhooks: 200, periodMs: 200, linkMs: 0, rounds: 25 }),
  drain({ messages: 200, webhooks: 1, periodMs: 200, linkMs: 20 }),
  drain({ messages: 200, webhooks: 10, periodMs: 200, linkMs: 20 }),
  // Discord's own figures, over the Atlantic.
  drain({ messages: 200, webhooks: 10, periodMs: 2000, linkMs: 120 }),
  // Other clients of the address leave half of Discord's global limit.
  {
    ...drain({ messages: 150, webhooks: 10, periodMs: 200, linkMs: 20 }),
    name: "150 on 10 webhooks, 25 per s over all where 50 are assumed, 20 ms link",
    global: 25,
    optimumMs: 5000 + 20,
    rounds: 3,
    long: true,
  },
]
