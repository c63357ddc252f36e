/**
 * What processes that share limits need of a common store: for each webhook, one process at a time has the
 * turn, the others wait in a queue by arrival, and the state of the limiter is handed on with the turn.
 *
 * Sequences and epochs are microseconds of the store's clock. A sequence is the time at which a request arrived
 * at its process. Each epoch is greater than the last: a store that has lost its last second cannot issue one
 * twice.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** The right to send the requests of one webhook that arrived before `until`. */
export interface Turn {
  /** Increases with every turn of the webhook. */
  readonly epoch: number
  /** The sequence of the first request of another process; `Infinity` if no other process waits. */
  readonly until: number
  /** The state of the limiter, as the process before has stored it. */
  readonly state: string | undefined
  /** Whether the process before was dead, so that it may have sent requests that the state does not know. */
  readonly isUncertain: boolean
}

/** What a store answers to `join`, `pass` and `takeOver`. */
export type Reply =
  | { readonly _tag: "Turn"; readonly turn: Turn }
  | {
      readonly _tag: "Waiting"
      /** The process that has the turn; `undefined` if there is none. */
      readonly owner: string | undefined
      readonly epoch: number
      /** Whether the caller's turn had ended before `pass`. */
      readonly isLost: boolean
    }

/** The place of a call. */
export interface Address {
  /** A webhook: `Route.major`. */
  readonly key: string
  readonly process: string
  /** Milliseconds until the store forgets the webhook. */
  readonly ttl: number
}

/** A message to a process. `Subscribed` is also emitted after each reconnection: messages may be lost. */
export type Message =
  | { readonly _tag: "Subscribed" }
  | {
      readonly _tag: "Turn"
      readonly key: string
      /** With its generation. */
      readonly process: string
      readonly turn: Turn
    }
  /** Another process waits since `until`. */
  | { readonly _tag: "Wanted"; readonly key: string; readonly until: number }
  /** The store has lost everything. */
  | { readonly _tag: "Lost" }

export interface Reports {
  /** Changes with every report. */
  readonly version: string
  readonly texts: ReadonlyMap<string, string>
}

export interface TurnStore {
  /**
   * Joins the queue with these sequences, which the process may already have, also in earlier generations. If
   * no process has the turn, the first in the queue gets it; otherwise its process is told.
   */
  readonly join: (
    call: Address & { readonly sequences: ReadonlyArray<number> },
  ) => Effect.Effect<Reply, StoreError>
  /**
   * Stores the state, if the turn of this epoch has not ended. `give` ends it: the first process in the queue
   * gets the turn; if there is none, the caller keeps it. `leave` ends it in any case. A turn of which no state was
   * ever stored ends for an earlier one, which the store had lost.
   */
  readonly pass: (
    call: Address & {
      readonly epoch: number
      readonly state: string
      readonly how: "give" | "keep" | "leave"
    },
  ) => Effect.Effect<Reply, StoreError>
  /** Ends the turn of a dead process, if its epoch is still the same, and removes it from the queue. */
  readonly takeOver: (
    call: Address & { readonly epoch: number; readonly owner: string },
  ) => Effect.Effect<Reply, StoreError>
  /**
   * Leaves the queue, and gives away a turn that the process has got without knowing it. In the turn of the epoch
   * `used` it may have sent requests that the stored state does not know.
   */
  readonly withdraw: (call: Address & { readonly used: number }) => Effect.Effect<void, StoreError>
  /** Records for `lease` milliseconds that the process is alive, and returns what others ask of it. */
  readonly refresh: (
    process: string,
    lease: number,
  ) => Effect.Effect<
    {
      /** Whether it was recorded as alive until now. */
      readonly wasAlive: boolean
      /** The store's clock, in milliseconds. */
      readonly time: number
      /** The webhooks whose turn others wait for. */
      readonly asked: ReadonlyArray<string>
    },
    StoreError
  >
  /**
   * When the store lost everything, in milliseconds of its clock; `undefined` if it is not known to have done so.
   * It has, if it does not know this call of a process that `hasCalled` before, or while others are subscribed:
   * these are told.
   */
  readonly lostAt: (hasCalled: boolean) => Effect.Effect<number | undefined, StoreError>
  /** Asks a process for the turn of a webhook, in case messages do not reach it; `false` if it is dead. */
  readonly ask: (process: string, key: string) => Effect.Effect<boolean, StoreError>
  /** What the processes behind one address report, by process; empty if none does. */
  readonly readReports: (address: string) => Effect.Effect<Reports, StoreError>
  /** Writes a report, if nobody has written one since `version`, and removes old ones. */
  readonly writeReport: (
    address: string,
    report: {
      readonly process: string
      readonly version: string
      readonly text: string
      readonly remove: ReadonlyArray<string>
      /** Milliseconds until the store forgets all reports. */
      readonly ttl: number
    },
  ) => Effect.Effect<boolean, StoreError>
  /** Records that the process has ended. */
  readonly leave: (process: string) => Effect.Effect<void, StoreError>
  /** The messages to a process in all of its generations. */
  readonly messages: (process: string) => Stream.Stream<Message, StoreError>
}

/** Whether nobody has stored a state: the webhook is new, or the store has lost everything. */
export function isNew({ isUncertain, state }: Turn): boolean {
  return state === undefined && !isUncertain
}

/** A call failed. It may have been executed. */
export class StoreError extends Data.TaggedError("StoreError")<{
  /** Whether the failure concerns this call only, for example because a key has another type. */
  readonly isLocal: boolean
  readonly detail: string
  /** The error of the store's client. */
  readonly cause?: unknown
}> {}

/** A process that was taken for dead goes on as its next generation. */
export function generationOf(process: string, generation: number): string {
  return `${process}.${generation}`
}

/** Without the generation. */
export function processOf(generation: string): string {
  return generation.slice(0, generation.lastIndexOf("."))
}
