/**
 * Sends a message with components: a framed card with a thumbnail, a gallery and links; then edits
 * it after the deployment.
 *
 *     npx tsx examples/components.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Component, Markdown, MessageFlags, Webhook } from "effect-discord"
import type { Message } from "effect-discord"
import { discord } from "./support/discord.js"

const card = (state: string, accentColor: `#${string}`) =>
  Component.container(
    [
      Component.section(
        [
          Component.text(Markdown.heading("shop-api 1.4.0", 2)),
          Component.text(Markdown.list([`State: ${state}`, `Branch: ${Markdown.code("main")}`])),
        ],
        Component.thumbnail("https://cdn.discordapp.com/embed/avatars/2.png", {
          description: "The shop's logo",
        }),
      ),
      Component.separator({ spacing: 2 }),
      Component.mediaGallery(
        "https://cdn.discordapp.com/embed/avatars/0.png",
        Component.galleryItem("https://cdn.discordapp.com/embed/avatars/1.png", {
          description: "Requests per second",
        }),
      ),
      Component.actionRow(
        Component.linkButton("https://example.com/log", { label: "Log", emoji: { name: "📜" } }),
        Component.linkButton("https://example.com/diff", { label: "Diff" }),
      ),
    ],
    { accentColor },
  )

const show = ({ components }: Message.Message) =>
  Effect.forEach(outline(components), (line) => Console.log(`  ${line}`))

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nSend a card; the flag of Components V2 is set automatically")
  const message = yield* Webhook.send(hook, {
    components: [card("deploying", "#fee75c")],
    flags: ["SuppressNotifications"],
  })
  yield* Console.log(`  flags: ${MessageFlags.names(message.flags).join(", ")}`)
  yield* show(message)

  yield* Console.log("Edit it: components are replaced as a whole")
  const edited = yield* Webhook.editMessage(hook, message.id, {
    components: [card("live", "#57f287"), Component.text(Markdown.subtext("took 42 seconds"))],
  })
  yield* show(edited)

  yield* Console.log("Content cannot be combined with them; this fails before sending")
  yield* Webhook.send(hook, { content: "hello", components: [Component.text("hi")] }).pipe(
    Effect.catchTag("WebhookValidationError", ({ issues }) =>
      Effect.forEach(issues, ({ path, message: what }) => Console.log(`  ${path}: ${what}`)),
    ),
  )
})

/** The returned components, line by line. */
function outline(components: Message.Message["components"]): ReadonlyArray<string> {
  const { ActionRow, Container, MediaGallery, Section, TextDisplay } = Component.Type
  return components.flatMap((component) => {
    if (component.type === Container) {
      const inside = outline(component.components).map((line) => `  ${line}`)
      return [`container #${component.accentColor?.toString(16)}`, ...inside]
    }
    if (component.type === Section) return outline(component.components)
    if (component.type === TextDisplay) return component.content.split("\n")
    if (component.type === MediaGallery) return [`${component.items.length} pictures`]
    return component.type === ActionRow ? [`${component.components.length} buttons`] : ["---"]
  })
}

program.pipe(Effect.provide(discord), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Send a card; the flag of Components V2 is set automatically
//   flags: SuppressNotifications, IsComponentsV2
//   container #fee75c
//     ## shop-api 1.4.0
//     - State: deploying
//     - Branch: `main`
//     ---
//     2 pictures
//     2 buttons
// Edit it: components are replaced as a whole
//   container #57f287
//     ## shop-api 1.4.0
//     - State: live
//     - Branch: `main`
//     ---
//     2 pictures
//     2 buttons
//   -# took 42 seconds
// Content cannot be combined with them; this fails before sending
//   content: cannot go with Components V2: put it into a text component, or leave those out
