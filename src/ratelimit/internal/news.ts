/**
 * What is worth a line in the log: each thing once, however many webhooks and answers say it. The
 * machine tells it; whoever has a fiber writes it down.
 */
import type { HostScope } from "./gate.js"

/** Something new, with the route whose answer told it. Times are milliseconds. */
export type Notice =
  /** The visible limit of a bucket; `before` when it was another one. */
  | {
      readonly _tag: "Limit"
      readonly route: string
      readonly bucket: string
      readonly limit: number
      readonly period: number | undefined
      readonly before: number | undefined
    }
  /** A limit behind the visible one that a strategy now believes in. */
  | {
      readonly _tag: "HiddenLimit"
      readonly route: string
      readonly bucket: string
      readonly strategy: string
      readonly limit: number
      readonly period: number | undefined
    }
  /** Nothing goes any more, on any webhook. */
  | {
      readonly _tag: "Closed"
      readonly route: string
      readonly scope: HostScope
      readonly delay: number
    }
  /** So many requests were refused that the others are spaced, or fail. */
  | {
      readonly _tag: "Budget"
      readonly route: string
      readonly level: "half" | "spent"
      readonly used: number
      readonly limit: number
    }

/** Takes what is told. */
export type Tell = (notice: Notice) => void

/** Buckets and routes remembered; a name that changes with every answer must not fill the memory. */
const most = 128

export class News {
  readonly #tell: Tell
  readonly #limits = new Map<string, number>()
  readonly #hidden = new Map<string, string>()
  #budget: "ample" | "half" | "spent" = "ample"

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** An answer has named this limit, where another or none was known on the webhook. */
  limit(route: string, bucket: string, limit: number, period: number | undefined): void {
    const before = this.#limits.get(bucket) ?? this.#limits.get(route)
    remember(this.#limits, bucket, limit)
    remember(this.#limits, route, limit)
    if (before !== limit) this.#tell({ _tag: "Limit", route, bucket, limit, period, before })
  }

  /** A strategy believes in this one after a 429. */
  hidden(
    route: string,
    bucket: string,
    belief: {
      readonly strategy: string
      readonly limit: number
      readonly period: number | undefined
    },
  ): void {
    const { strategy, limit, period } = belief
    const said = `${limit} in ${Math.round((period ?? 0) / 1000)} s`
    const keys = [`${strategy} ${bucket}`, `${strategy} ${route}`] as const
    const before = this.#hidden.get(keys[0]) ?? this.#hidden.get(keys[1])
    for (const key of keys) remember(this.#hidden, key, said)
    if (before === said) return
    this.#tell({ _tag: "HiddenLimit", route, bucket, strategy, limit, period })
  }

  closed(route: string, scope: HostScope, delay: number): void {
    this.#tell({ _tag: "Closed", route, scope, delay })
  }

  /** A request more was refused. Told again when it was down to a quarter of the limit in between. */
  refused(route: string, used: number, limit: number): void {
    if (used < limit / 4) this.#budget = "ample"
    if (used >= limit && this.#budget !== "spent") this.#spend("spent", route, used, limit)
    else if (used >= limit / 2 && this.#budget === "ample") this.#spend("half", route, used, limit)
  }

  #spend(level: "half" | "spent", route: string, used: number, limit: number): void {
    this.#budget = level
    this.#tell({ _tag: "Budget", route, level, used, limit })
  }
}

function remember<A>(known: Map<string, A>, key: string, value: A): void {
  known.delete(key)
  known.set(key, value)
  if (known.size <= most) return
  for (const oldest of known.keys()) {
    known.delete(oldest)
    return
  }
}
