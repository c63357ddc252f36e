/** What every library under measurement can do, each in its own idiom. */

export interface Target {
  readonly id: string
  readonly token: string
}

/** `lanes`: each list is sent one message after another, and all lists at once. */
export type Lanes = ReadonlyArray<ReadonlyArray<Target>>

export interface Peer {
  /** Sends a message to each target; answers when all are stored, each call's milliseconds in `took`. */
  readonly send: (lanes: Lanes, took: Array<number>) => Promise<void>
  /** Buckets it holds now. */
  readonly tracked: () => number
  /** Ends timers and connections. */
  readonly close: () => Promise<void>
}

/** How a peer is set up. */
export interface Setup {
  readonly baseUrl: string
  /** Forget idle webhooks after so many milliseconds; left out, as the library does by itself. */
  readonly idleAfter?: number | undefined
  /** Answers every request at once with 204 and the headers of 5 per 2 s, without a socket. */
  readonly canned?: boolean | undefined
}

/** The same for all; its wire form is what our camelCase form becomes. */
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

/** The answer to `wait=false`, as Discord's headers go. */
export const cannedHeaders = {
  "x-ratelimit-bucket": "b1d2c3b4a5f60718293a4b5c6d7e8f90",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
  "x-ratelimit-reset-after": "2.000",
}

/** For peers that speak in promises. */
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
