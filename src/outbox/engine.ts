/** What an engine's layer provides to the worker, beside the `Outbox` itself. */
import * as Context from "effect/Context"
import type { Settlements } from "./settlements.js"
import type { Store } from "./store.js"
import type { TokenVault } from "./tokens.js"

interface EngineService {
  readonly store: Store
  readonly tokens: TokenVault
  readonly settlements: Settlements
  /** Whether entries outlive the process. */
  readonly isDurable: boolean
  /** How long ended entries are kept, in milliseconds. */
  readonly retention: { readonly sent: number; readonly dead: number }
}

/**
 * The engine of the outbox: where it stores entries. A layer such as `Outbox.layerMemory` provides it
 * together with the `Outbox`; `Outbox.worker` requires it.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import type { Layer } from "effect"
 *
 * // What every engine provides.
 * type OutboxLayer = Layer.Layer<Outbox.Outbox | Outbox.Engine>
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Engine extends Context.Tag("effect-discord/Outbox/Engine")<Engine, EngineService>() {}
