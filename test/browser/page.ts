/** What runs in the page: the SDK over `fetch`, and nothing of Node. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { FileUpload, RateLimiter, RestConfig, Route, Strategy, Webhook } from "../../src/index.js"

/** Sends texts in order and a file, edits the first, and returns what the page could see. */
const story = (url: string, baseUrl: string, texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const hook = yield* Webhook.fromUrl(url)
    const sent = yield* Effect.forEach(texts, (content) => Webhook.send(hook, { content }))
    const [first] = sent
    if (first === undefined) return yield* Effect.dieMessage("nothing was sent")
    const edited = yield* Webhook.editMessage(hook, first.id, { content: "edited" })
    const chosen = new File(["chosen by a user"], "note.txt", { type: "text/plain" })
    const uploaded = yield* Webhook.send(hook, {
      files: [FileUpload.fromBlob(chosen.name, chosen)],
    })
    const missing = yield* Effect.flip(Webhook.getMessage(hook, "1"))
    const limiter = yield* RateLimiter.RateLimiter
    const bucket = yield* limiter.getBucket(
      Route.make({
        method: "POST",
        template: "/webhooks/{webhook.id}/{webhook.token}",
        webhookId: hook.id,
        tokenDigest: hook.tokenDigest,
      }),
    )
    return {
      ids: sent.map((message) => message.id),
      edited: edited.content,
      uploaded: uploaded.attachments.map(({ filename, size }) => ({ filename, size })),
      missing: missing._tag,
      limit: Option.getOrUndefined(bucket)?.limit,
    }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        FetchHttpClient.layer,
        RateLimiter.layer,
        Strategy.layerAdaptive,
        RestConfig.layerWith({ baseUrl }),
      ),
    ),
  )

export type PageResult = Effect.Effect.Success<ReturnType<typeof story>>

Object.assign(globalThis, {
  tell: (url: string, baseUrl: string, texts: ReadonlyArray<string>) =>
    Effect.runPromise(story(url, baseUrl, texts)),
})
