/** What every measured library does, each in its own idiom. */

export interface Target {
  readonly id: string
  readonly token: string
}

/** Each list is sent one message after another, and all lists at once. */
export type Lanes = ReadonlyArray<ReadonlyArray<Target>>

export interface Peer {
  /** Sends a message to each target; adds the milliseconds of each call to `took`. */
  readonly send: (lanes: Lanes, took: Array<number>) => Promise<void>
  /** Number of buckets that the library holds. */
  readonly tracked: () => number
  /** Ends timers and connections. */
  readonly close: () => Promise<void>
}

/** How a library is set up. */
export interface Setup {
  readonly baseUrl: string
  /** `wait` of the requests. Default: true. */
  readonly wait?: boolean | undefined
  /** Requests per second that the library assumes. Default: no limit. */
  readonly globalLimit?: number | undefined
  /** Milliseconds after which idle webhooks are forgotten. Default: that of the library. */
  readonly idleAfter?: number | undefined
  /** Responds to every request in process, without a socket, with 204 and the headers of this limit. */
  readonly canned?: keyof typeof cannedHeaders | undefined
}

/** The message of every library; the wire form of ours is the same. */
export const message = {
  content: "Build 1724 of main is green.",
  embeds: [
    {
      title: "Deploy finished",
      description: "Version 1.4.2 went out to every region without an error.",
      url: "https://example.com/builds/1724",
      color: 0x57f287,
      fields: [
        { name: "Duration", value: "4 min 12 s", inline: true },
        { name: "Author", value: "Ada", inline: true },
      ],
    },
  ],
}

const headers = (limit: number) => ({
  "x-ratelimit-bucket": "b1d2c3b4a5f60718293a4b5c6d7e8f90",
  "x-ratelimit-limit": String(limit),
  "x-ratelimit-remaining": String(limit - 1),
  "x-ratelimit-reset-after": "2.000",
})

/** Headers of the response in process, for 2 seconds each. */
export const cannedHeaders = { five: headers(5), million: headers(1_000_000) }

/** Lanes of a library whose calls are promises. */
export async function inLanes(
  lanes: Lanes,
  took: Array<number>,
  send: (target: Target) => Promise<unknown>,
): Promise<void> {
  const run = async (lane: ReadonlyArray<Target>): Promise<void> => {
    for (const target of lane) {
      const start = performance.now()
      await send(target)
      took.push(performance.now() - start)
    }
  }
  await Promise.all(lanes.map(run))
}
