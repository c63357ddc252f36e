/** How an engine keeps the tokens of webhooks: in memory, sealed by a key, or not at all. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { DiscordOutboxUnavailable } from "./OutboxError.js"
import * as credentials from "../webhook/credentials.js"
import type { Webhook } from "../webhook/credentials.js"
import type { StoredCredentials } from "./store.js"

/** A reason why the token of a stored webhook is not available. */
interface TokenFailure {
  readonly message: string
}

export interface TokenVault {
  readonly seal: (webhook: Webhook) => Effect.Effect<StoredCredentials>
  readonly open: (stored: StoredCredentials) => Effect.Effect<Webhook, TokenFailure>
}

/**
 * Provides the token of a webhook, for example from a secret manager.
 *
 * @since 0.1.0
 * @category models
 */
export type Resolver = (webhookId: string) => Effect.Effect<Webhook, unknown>

const describe = ({ id, tokenDigest }: Webhook, sealed: string | undefined): StoredCredentials => ({
  webhookId: id,
  tokenDigest,
  sealed,
})

/** Keeps the webhooks themselves. */
export const makeMemoryVault = (): TokenVault => {
  const webhooks = new Map<string, Webhook>()
  return {
    seal: (webhook) =>
      Effect.sync(() => {
        webhooks.set(webhook.id, webhook)
        return describe(webhook, undefined)
      }),
    open: ({ webhookId }) =>
      Effect.suspend(() => {
        const found = webhooks.get(webhookId)
        return found === undefined
          ? Effect.fail({ message: "this process has not used the webhook" })
          : Effect.succeed(found)
      }),
  }
}

/** Stores no token. */
export const makeResolverVault = (resolve: Resolver): TokenVault => ({
  seal: (webhook) => Effect.succeed(describe(webhook, undefined)),
  open: ({ webhookId }) =>
    // @effect-diagnostics-next-line anyUnknownInErrorContext:off
    Effect.matchEffect(resolve(webhookId), {
      // The error may contain the token.
      onFailure: () => Effect.fail({ message: "the resolver failed" }),
      onSuccess: (webhook) =>
        webhook.id === webhookId
          ? Effect.succeed(webhook)
          : Effect.fail({ message: `the resolver returned webhook ${webhook.id}` }),
    }),
})

interface Key {
  /** Identifies the key beside a sealed token. */
  readonly id: string
  readonly key: CryptoKey
}

const algorithm = "AES-GCM"
const keyBytes = 32
const nonceBytes = 12
const version = "v1"
/** Maximum number of sealed tokens that are kept, so that a webhook is sealed once and not for each message. */
const maxSealed = 10_000

/**
 * Seals tokens with AES-256-GCM. The first key seals, every key opens. The webhook's id is
 * authenticated with the token, so that a row cannot be moved to another webhook.
 */
export const makeSealedVault = (
  keys: ReadonlyArray<Redacted.Redacted>,
): Effect.Effect<TokenVault, DiscordOutboxUnavailable> =>
  Effect.map(Effect.forEach(keys, importKey), (imported) => {
    const [first] = imported
    const sealed = new Map<string, StoredCredentials>()
    return {
      seal: (webhook) =>
        Effect.suspend(() => {
          const name = `${webhook.id}:${webhook.tokenDigest}`
          const known = sealed.get(name)
          if (known !== undefined) return Effect.succeed(known)
          return Effect.map(seal(first, webhook), (text) => {
            const stored = describe(webhook, text)
            if (sealed.size >= maxSealed) sealed.clear()
            sealed.set(name, stored)
            return stored
          })
        }),
      open: (stored) => open(imported, stored),
    }
  })

function importKey(text: Redacted.Redacted): Effect.Effect<Key, DiscordOutboxUnavailable> {
  const bytes = Encoding.decodeBase64(Redacted.value(text).trim())
  if (bytes._tag === "Left" || bytes.right.length !== keyBytes) {
    return new DiscordOutboxUnavailable({
      operation: "Outbox.layer",
      reason: "key",
      detail: `a key is ${keyBytes} bytes in base64, as printed by: openssl rand -base64 ${keyBytes}`,
    })
  }
  const raw = new Uint8Array(bytes.right)
  return Effect.promise(async () => {
    const digest = await crypto.subtle.digest("SHA-256", raw)
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["encrypt", "decrypt"])
    return { id: Encoding.encodeHex(new Uint8Array(digest).subarray(0, 4)), key }
  })
}

function seal(key: Key | undefined, { id, token }: Webhook): Effect.Effect<string | undefined> {
  if (key === undefined) return Effect.succeed(undefined)
  return Effect.promise(async () => {
    // oxlint-disable-next-line no-restricted-properties -- a nonce must not be predictable or repeated
    const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
    const text = new TextEncoder().encode(Redacted.value(token))
    const sealed = await crypto.subtle.encrypt(
      { name: algorithm, iv, additionalData: new TextEncoder().encode(id) },
      key.key,
      text,
    )
    return [
      version,
      key.id,
      Encoding.encodeBase64(iv),
      Encoding.encodeBase64(new Uint8Array(sealed)),
    ].join(".")
  })
}

function open(
  keys: ReadonlyArray<Key>,
  { sealed, webhookId }: StoredCredentials,
): Effect.Effect<Webhook, TokenFailure> {
  const [found, keyId, iv, text] = (sealed ?? "").split(".")
  const key = keys.find(({ id }) => id === keyId)
  if (found !== version || iv === undefined || text === undefined) {
    return Effect.fail({ message: "its stored token cannot be read" })
  }
  if (key === undefined) {
    return Effect.fail({
      message: `its token is sealed with the key ${keyId ?? ""}, which is not in the list of keys`,
    })
  }
  const opened = Effect.tryPromise(async () => {
    const token = await crypto.subtle.decrypt(
      {
        name: algorithm,
        iv: decode(iv),
        additionalData: new TextEncoder().encode(webhookId),
      },
      key.key,
      decode(text),
    )
    return new TextDecoder().decode(token)
  })
  return opened.pipe(
    Effect.flatMap((token) => credentials.make({ id: webhookId, token })),
    Effect.mapError(() => ({ message: "its stored token cannot be opened" })),
  )
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const bytes = Encoding.decodeBase64(base64)
  return bytes._tag === "Left" ? new Uint8Array() : new Uint8Array(bytes.right)
}
