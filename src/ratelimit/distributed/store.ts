/**
 * The interface of the store through which processes share limits, such as Redis. For each webhook, the store
 * grants one process at a time a *turn*, the right to send requests to it; the requests of the other processes
 * wait in a queue in order of arrival. With the turn, the store passes on the state of the limiter.
 *
 * A channel whose limit no header shows has a turn and a queue of its own, under another key (`channel.ts`).
 *
 * Sequences and turn numbers are microseconds of the store's clock. A sequence is the time at which a request
 * arrived at its process; requests that arrive together share one. A turn number is the time at which the store
 * granted the turn, and greater than all before, so that no number is issued twice, because a store that restarts or
 * fails over may have lost the writes of about its last second.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** The right to send the requests of one webhook whose sequences are below `coversBefore`. */
export interface Turn {
  /** Increases with every turn of the webhook. In scripts and messages of Redis it is called `epoch`. */
  readonly turnNumber: number
  /** The sequence of the first waiting request of another process; `Infinity` without one. */
  readonly coversBefore: number
  /** The state of the limiter that the previous process has stored; `undefined` if none has been stored. */
  readonly state: string | undefined
  /** Whether the previous process died, so that `state` may lack its last requests. */
  readonly isStateOutdated: boolean
}

/** The result of `join`, `pass` and `takeOver`: the caller has the turn, or waits for it. */
export type Reply =
  | { readonly _tag: "Turn"; readonly turn: Turn }
  | {
      readonly _tag: "Waiting"
      /** The process that has the turn; `undefined` if there is none. */
      readonly owner: string | undefined
      readonly turnNumber: number
      /** Whether the caller's turn had ended before it called `pass`. */
      readonly hasLostTurn: boolean
    }

/** The fields of every call about a turn. */
export interface TurnCall {
  /** The webhook, as `Route.major`, or the channel, as `channelKey`. */
  readonly key: string
  /** The calling process, with its generation (`generationOf`). */
  readonly process: string
  /** Milliseconds until the store removes the turn and the queue. */
  readonly ttl: number
}

/**
 * A message to a process. `Subscribed` is also emitted after each reconnection, when messages may have been lost.
 */
export type Message =
  | { readonly _tag: "Subscribed" }
  /** The process has got a turn. */
  | {
      readonly _tag: "Turn"
      readonly key: string
      /** The name with its generation. */
      readonly process: string
      readonly turn: Turn
    }
  /** Another process waits for the turn of this process, with `sequence` as that of its first request. */
  | { readonly _tag: "Wanted"; readonly key: string; readonly sequence: number }
  /** The store has lost all of its data. */
  | { readonly _tag: "Lost" }

/** The reports of the processes behind one IP address (`address.ts`). */
export interface Reports {
  /** Changes whenever a process writes its report. */
  readonly version: string
  /** By process. */
  readonly texts: ReadonlyMap<string, string>
}

/** The calls of a process to the store. */
export interface TurnStore {
  /**
   * Adds requests with these sequences to the queue. The process may have added them before, also in an earlier
   * generation. If no process has the turn, the store grants it to the process of the first request; otherwise it
   * sends the owner `Wanted`.
   */
  readonly join: (
    call: TurnCall & { readonly sequences: ReadonlyArray<number> },
  ) => Effect.Effect<Reply, StoreError>
  /**
   * Stores the state of the limiter, if the turn with this number has not ended, and then:
   *
   * - `give`: passes the turn to the process of the first request in the queue, unless that is the caller, or the
   *   queue is empty
   * - `keep`: leaves the turn with the caller
   * - `leave`: ends the turn in any case, and removes the requests of the caller from the queue
   *
   * If the store has lost its data and then granted a turn in which no state was stored yet, the turn of the
   * caller replaces that one.
   */
  readonly pass: (
    call: TurnCall & {
      readonly turnNumber: number
      readonly state: string
      readonly how: "give" | "keep" | "leave"
    },
  ) => Effect.Effect<Reply, StoreError>
  /**
   * Ends the turn of a dead process, if it is still the one with this number, and removes the requests of that
   * process from the queue.
   */
  readonly takeOver: (
    call: TurnCall & { readonly turnNumber: number; readonly owner: string },
  ) => Effect.Effect<Reply, StoreError>
  /**
   * Removes the requests of the process from the queue, and ends its turn if it has one, without a new state. In
   * the turn `usedTurnNumber`, unless it is 0, the process may have sent requests that the stored state lacks.
   */
  readonly withdraw: (
    call: TurnCall & { readonly usedTurnNumber: number },
  ) => Effect.Effect<void, StoreError>
  /** Records that the process is alive for the next `lease` milliseconds. */
  readonly refresh: (
    process: string,
    lease: number,
  ) => Effect.Effect<
    {
      /** Whether the process was recorded as alive until now. */
      readonly wasAlive: boolean
      /** The store's clock, in milliseconds. */
      readonly time: number
      /** The keys of the turns that other processes have requested with `ask`. */
      readonly requestedTurns: ReadonlyArray<string>
    },
    StoreError
  >
  /**
   * Returns the time at which the store lost all of its data, in milliseconds of its clock; `undefined` if it has
   * not, as far as is known. It has, if it contains no record of earlier calls although the process `hasCalled`
   * before or other processes are subscribed; these receive `Lost`.
   */
  readonly lostAt: (hasCalled: boolean) => Effect.Effect<number | undefined, StoreError>
  /**
   * Requests the turn `key` from a process, whose next `refresh` returns it in `requestedTurns`, in case no message
   * reaches it. Returns `false` if the process is dead.
   */
  readonly ask: (process: string, key: string) => Effect.Effect<boolean, StoreError>
  /** Returns the reports of all processes behind one IP address. */
  readonly readReports: (address: string) => Effect.Effect<Reports, StoreError>
  /** Writes a report, unless another process has written one since `version`. Returns whether it was written. */
  readonly writeReport: (
    address: string,
    report: {
      readonly process: string
      readonly version: string
      readonly text: string
      /** The processes whose reports are removed. */
      readonly remove: ReadonlyArray<string>
      /** Milliseconds until the store removes all reports. */
      readonly ttl: number
    },
  ) => Effect.Effect<boolean, StoreError>
  /** Records that the process has ended. */
  readonly leave: (process: string) => Effect.Effect<void, StoreError>
  /** The messages to a process in all of its generations. */
  readonly messages: (process: string) => Stream.Stream<Message, StoreError>
}

/** Whether no process has stored a state: the webhook is new, or the store has lost all of its data. */
export function isFirstTurn({ isStateOutdated, state }: Turn): boolean {
  return state === undefined && !isStateOutdated
}

/** The error of a call, which the store may nevertheless have executed. */
export class StoreError extends Data.TaggedError("StoreError")<{
  /** Whether the failure concerns only this call, for example because a key has another type. */
  readonly isLocal: boolean
  readonly detail: string
  /** The error of the store's client. */
  readonly cause?: unknown
}> {}

/**
 * The name of a process with its generation. A process whose lease has expired continues as its next generation.
 */
export function generationOf(process: string, generation: number): string {
  return `${process}.${generation}`
}

/** The name of a process without its generation. */
export function processOf(generation: string): string {
  return generation.slice(0, generation.lastIndexOf("."))
}
