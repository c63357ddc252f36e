/**
 * Sends payloads for Slack and GitHub to Discord.
 *
 *     npx tsx examples/services.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { GitHubEvent, Issue, SlackMessage, Webhook } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

/** The body that a monitoring program posts to Slack. */
const alert: unknown = {
  channel: "#alerts",
  icon_emoji: ":fire:",
  text: "1 alert is firing",
  attachments: [
    {
      fallback: "The disk is full",
      color: "danger",
      title: "The disk is full",
      title_link: "https://grafana.example.com/alerts/7",
      fields: [{ title: "Host", value: "db-1", short: true }],
      ts: 1769860800,
    },
  ],
}

/** The body of a GitHub webhook with the header `X-GitHub-Event: release`. */
const release: unknown = {
  action: "published",
  release: {
    id: 1,
    tag_name: "v1.4.0",
    html_url: "https://github.com/octo-org/shop/releases/tag/v1.4.0",
    author: {
      id: 1815,
      login: "ada",
      html_url: "https://github.com/ada",
      avatar_url: "https://github.com/ada.png",
    },
    prerelease: false,
  },
  repository: {
    id: 17273051,
    name: "shop",
    full_name: "octo-org/shop",
    html_url: "https://github.com/octo-org/shop",
  },
  sender: {
    id: 1815,
    login: "ada",
    html_url: "https://github.com/ada",
    avatar_url: "https://github.com/ada.png",
  },
}

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nForward a Slack message")
  const message = yield* SlackMessage.decode(alert)
  yield* Console.log(`  supported fields: ${Object.keys(message).join(", ")}`)
  yield* Webhook.sendSlack(hook, message)

  yield* Console.log("Send a Slack message")
  yield* Webhook.sendSlack(hook, {
    username: "Alerts",
    attachments: [{ color: "good", text: "All alerts are resolved" }],
  })

  yield* Console.log("Forward a GitHub event, unchanged")
  yield* Webhook.sendGitHub(hook, "release", yield* GitHubEvent.decode(release))

  yield* Console.log("An event without its sender fails before sending")
  yield* GitHubEvent.decode({ action: "published" }).pipe(
    Effect.flatMap((event) => Webhook.sendGitHub(hook, "release", event)),
    Effect.catchTag("ParseError", (error) =>
      Effect.forEach(Issue.fromParseError(error), ({ path, message: what }) =>
        Console.log(`  ${path} ${what}`),
      ),
    ),
  )
})

program.pipe(Effect.provide(Layer.provideMerge(printTraffic, discord)), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Forward a Slack message
//   supported fields: text, attachments
//   POST   /webhooks/{webhook.id}/{webhook.token}/slack -> 200   4 of 5 left
// Send a Slack message
//   POST   /webhooks/{webhook.id}/{webhook.token}/slack -> 200   3 of 5 left
// Forward a GitHub event, unchanged
//   POST   /webhooks/{webhook.id}/{webhook.token}/github -> 204   2 of 5 left
// An event without its sender fails before sending
//   sender is missing
