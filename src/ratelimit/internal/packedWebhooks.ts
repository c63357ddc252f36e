/** Idle webhooks in a compact form: a process may remember a million of them. */
import { BucketState, RouteState, WebhookState } from "./bucketState.js"
import { type Packed, Packer } from "./packer.js"
import { RoundTrips, SlotTime, Window } from "./window.js"

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
