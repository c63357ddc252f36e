/** What the server has seen of each message, and what is wrong with what the caller was told of it. */

/** Of one message: how often anything of it arrived, and how often it was posted. */
export interface Entry {
  readonly arrivals: number
  readonly stored: number
}

/** What the SDK said of one message. `none`: the send was interrupted. */
export type Told = "yes" | "no" | "unknown" | "none" | "never ended"

export interface Counts {
  readonly sends: number
  readonly delivered: number
  /** Told as delivered by success, and not posted. */
  readonly lost: number
  readonly doubled: number
  /** Told as not delivered, and posted. */
  readonly falselyNo: number
  /** An error that told of delivery, and nothing was posted. */
  readonly falselyYes: number
  /** Sends that never ended, and requests that the limiter still counts. */
  readonly unsettled: number
  /** In doubt, and something of the request had arrived. */
  readonly inDoubt: number
  /** In doubt, and nothing of it had. */
  readonly neverLeft: number
}

export interface Result {
  readonly told: Told
  readonly succeeded: boolean
}

export function count(
  results: ReadonlyArray<Result>,
  ledger: ReadonlyArray<Entry>,
  stillCounted: number,
): Counts {
  const both = results.map((result, index) => ({
    ...result,
    ...(ledger[index] ?? { arrivals: 0, stored: 0 }),
  }))
  const having = (is: (one: (typeof both)[number]) => boolean): number => both.filter(is).length
  return {
    sends: both.length,
    delivered: having((_) => _.stored > 0),
    lost: having((_) => _.succeeded && _.stored === 0),
    doubled: having((_) => _.stored > 1),
    falselyNo: having((_) => _.told === "no" && _.stored > 0),
    falselyYes: having((_) => _.told === "yes" && !_.succeeded && _.stored === 0),
    unsettled: stillCounted + having((_) => _.told === "never ended"),
    inDoubt: having((_) => _.told === "unknown" && _.arrivals > 0),
    neverLeft: having((_) => _.told === "unknown" && _.arrivals === 0),
  }
}

/** What the bar wants: nothing wrong, and at most 1.05 x as many in doubt as truly are. */
export function holds(counts: Counts): boolean {
  const { doubled, falselyNo, falselyYes, inDoubt, lost, neverLeft, unsettled } = counts
  const wrong = lost + doubled + falselyNo + falselyYes + unsettled
  return wrong === 0 && inDoubt + neverLeft <= 1.05 * inDoubt
}
