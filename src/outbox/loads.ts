/** Loads the next entries of queues, in one query for all queues that look at the same time. */
import * as Effect from "effect/Effect"
import { isCommon } from "./availability.js"
import type { Availability } from "./availability.js"
import { Batcher } from "./batcher.js"
import type { DiscordOutboxUnavailable } from "./OutboxError.js"
import type { Store, StoredEntry } from "./store.js"

/** Maximum number of queues in one query. */
const maxLoaded = 100

/** Items are the ids of webhooks. `prefetch`: maximum number of entries of each queue. */
export function makeLoads(
  store: Store,
  { whileAway }: Availability,
  prefetch: number,
  closed: DiscordOutboxUnavailable,
): Batcher<string, ReadonlyArray<StoredEntry>, DiscordOutboxUnavailable> {
  return new Batcher<string, ReadonlyArray<StoredEntry>, DiscordOutboxUnavailable>({
    gather: store.gather,
    maxSize: maxLoaded,
    identify: (webhookId) => webhookId,
    run: (webhookIds) =>
      Effect.map(whileAway(store.load(webhookIds, prefetch)), (entries) => {
        const groups = new Map(webhookIds.map((id) => [id, [] as Array<StoredEntry>]))
        for (const entry of entries) groups.get(entry.webhookId)?.push(entry)
        return [...groups.values()]
      }),
    isCommon,
    closed,
  })
}
