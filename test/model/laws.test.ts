import { addEqualityTesters } from "@effect/vitest"

import {
  AllowedMentions,
  Attachment,
  Color,
  Component,
  DiscordApiBody,
  Embed,
  Emoji,
  Message,
  MessageCreate,
  MessageEdit,
  MessageFlags,
  Poll,
  Snowflake,
  User,
  WebhookInfo,
  WebhookModify,
  WebhookName,
} from "../../src/index.js"
import { law } from "./law.js"

addEqualityTesters()

law("Snowflake", Snowflake.Snowflake, 1000)
law("Color", Color.Color, 1000)
law("MessageFlags of a message", MessageFlags.MessageFlagsCreate, 100)
law("MessageFlags of an edit", MessageFlags.MessageFlagsEdit, 100)
law("WebhookName", WebhookName.WebhookName, 1000)
law("User", User.User, 500)
law("Emoji", Emoji.Emoji, 500)
law("EmojiCreate", Emoji.EmojiCreate, 500)
law("PollEmojiCreate", Emoji.PollEmojiCreate, 500)
law("AllowedMentions", AllowedMentions.AllowedMentions, 1000)
law("AttachmentCreate", Attachment.AttachmentCreate, 1000)
law("Attachment", Attachment.Attachment, 500)
law("EmbedCreate", Embed.EmbedCreate, 1000)
law("EmbedsCreate", Embed.EmbedsCreate, 1000)
law("Embed", Embed.Embed, 500)
law("ComponentCreate", Component.ComponentCreate, 1000)
law("ComponentsCreate", Component.ComponentsCreate, 1000)
law("Component", Component.Component, 1000)
law("PollCreate", Poll.PollCreate, 1000)
law("Poll", Poll.Poll, 500)
law("MessageCreate", MessageCreate.MessageCreate, 3000)
law("MessageEdit", MessageEdit.MessageEdit, 3000)
law("Message", Message.Message, 1000)
law("WebhookInfo", WebhookInfo.WebhookInfo, 1000)
law("WebhookModify", WebhookModify.WebhookModify, 500)
law("ErrorBody", DiscordApiBody.ErrorBody, 100)
law("RateLimitBody", DiscordApiBody.RateLimitBody, 500)
