/** Idle webhooks in a compact form: a process may have a million of them. */
import { BucketState, RouteState, WebhookState } from "./bucketState.js"
import { RoundTrips, SlotTime, Window } from "./window.js"

/** Packed data: the id of its form, a header, and the numbers in the order of the form. */
type Packed = ReadonlyArray<number>

/**
 * An object is its prototype, its keys and values, and `end`. A `number` is in the packed data; any other
 * value stands for itself.
 */
type Form = ReadonlyArray<unknown>

const number = Symbol()
const end = Symbol()

/** Maximum number of forms, and of the entries of one; other data is not packed. */
const maxForms = 64
const maxLength = 1000

/**
 * Packs plain data into one array of numbers, which V8 stores without an object for each. The rest of the
 * data, its form, is stored once for all data of that form.
 */
export class Packer {
  readonly #forms: Array<Form> = []
  /** Creates an empty object, by prototype. */
  readonly #factories: ReadonlyMap<unknown, () => object>
  readonly #isAtomic: (value: object) => boolean

  /**
   * Packs plain objects, arrays, and objects of the classes that `factories` create. An object that is
   * `isAtomic` belongs to the form and is not copied.
   */
  constructor(factories: ReadonlyArray<() => object>, isAtomic: (value: object) => boolean) {
    this.#factories = new Map(
      [() => ({}), () => [], ...factories].map((make) => [Object.getPrototypeOf(make()), make]),
    )
    this.#isAtomic = isAtomic
  }

  /** Returns `undefined` for an object of another class, and for data of too many forms. */
  pack(value: unknown, header: ReadonlyArray<number>): Packed | undefined {
    const form: Array<unknown> = []
    const packed = [0, ...header]
    if (!this.#write(value, form, packed)) return undefined
    let id = this.#forms.findIndex((known) => isEqual(known, form))
    if (id < 0) {
      if (this.#forms.length === maxForms) return undefined
      id = this.#forms.push(form) - 1
    }
    packed[0] = id
    // Pushing has reserved more space than is used.
    return packed.slice()
  }

  unpack(packed: Packed, headerLength: number): unknown {
    const form = this.#forms[packed[0] ?? 0] ?? []
    let step = 0
    let next = 1 + headerLength
    const read = (): unknown => {
      const value = form[step++]
      if (value === number) return packed[next++]
      const make = this.#factories.get(value)
      if (make === undefined) return value
      const fields = asFields(make())
      for (let key = form[step++]; key !== end; key = form[step++]) fields[String(key)] = read()
      return fields
    }
    return read()
  }

  #write(value: unknown, form: Array<unknown>, packed: Array<number>): boolean {
    if (typeof value === "number" && !isFrequent(value)) {
      form.push(number)
      packed.push(value)
    } else if (typeof value !== "object" || value === null || this.#isAtomic(value)) {
      form.push(value)
    } else {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (form.length > maxLength || !this.#factories.has(prototype)) return false
      form.push(prototype)
      const fields = asFields(value)
      for (const key in fields) {
        form.push(key)
        if (!this.#write(fields[key], form, packed)) return false
      }
      form.push(end)
    }
    return true
  }
}

function asFields(value: object): Record<string, unknown> {
  // oxlint-disable-next-line no-unsafe-type-assertion -- every object has fields
  return value as Record<string, unknown>
}

/** Whether a number belongs to the form. */
function isFrequent(value: number): boolean {
  return Object.is(value, 0) || Math.abs(value) === Infinity
}

function isEqual(one: Form, other: Form): boolean {
  return one.length === other.length && one.every((step, index) => step === other[index])
}

/** The state of an idle webhook as plain data. */
interface WebhookData {
  readonly kind: WebhookState["kind"]
  readonly buckets: ReadonlyArray<Partial<BucketState>>
  /** The name and the bucket's index of each route. */
  readonly routes: ReadonlyArray<readonly [name: string, bucket: number]>
}

/** The header: `idleSince`, the end of the last limit, and the number of buckets. */
const headerLength = 3

export class PackedWebhooks {
  readonly all = new Map<string, Packed>()
  /** A policy is one object for many buckets. */
  readonly #packer = new Packer(
    [() => new Window(), () => new SlotTime(), () => new RoundTrips({ last: 0 })],
    (value) => "shouldWait" in value,
  )

  /** Number of buckets. */
  get buckets(): number {
    let sum = 0
    for (const [, , , buckets = 0] of this.all.values()) sum += buckets
    return sum
  }

  /**
   * Packs a webhook without requests, unless another one can change its state, or a policy's memory is
   * not plain data. Returns whether it is packed.
   */
  add(webhook: WebhookState, limitedUntil: number): boolean {
    if (webhook.channel?.isShared === true) return false
    const { buckets } = webhook
    if (!buckets.every(({ isKnown }) => isKnown)) return false
    const data: WebhookData = {
      kind: webhook.kind,
      buckets: buckets.map(fieldsOf),
      routes: webhook.routes.map(({ bucket, name }) => [name, buckets.indexOf(bucket)]),
    }
    const packed = this.#packer.pack(data, [webhook.idleSince, limitedUntil, buckets.length])
    if (packed !== undefined) this.all.set(webhook.major, packed)
    return packed !== undefined
  }

  /** Unpacks a webhook and removes it. */
  take(major: string): WebhookState | undefined {
    const packed = this.all.get(major)
    if (packed === undefined) return undefined
    this.all.delete(major)
    // oxlint-disable-next-line no-unsafe-type-assertion -- it is what `add` has packed
    const { buckets, kind, routes } = this.#packer.unpack(packed, headerLength) as WebhookData
    const webhook = new WebhookState(major, kind)
    webhook.idleSince = packed[1] ?? 0
    const states = buckets.map((fields) => Object.assign(new BucketState("", webhook), fields))
    webhook.routes = routes.flatMap(([name, index]) => {
      const bucket = states[index]
      return bucket === undefined ? [] : [new RouteState(name, webhook, bucket)]
    })
    return webhook
  }

  /** Removes the webhooks that have been idle and unlimited since `before`. */
  sweep(before: number): void {
    for (const [major, [, idleSince = 0, limitedUntil = 0]] of this.all)
      if (Math.max(idleSince, limitedUntil) <= before) this.all.delete(major)
  }
}

/** The state of a bucket without requests. `memory` is set before each use. */
function fieldsOf({
  memory: _memory,
  queue: _queue,
  webhook: _webhook,
  ...fields
}: BucketState): Partial<BucketState> {
  return fields
}
