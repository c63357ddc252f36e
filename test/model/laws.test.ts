import { addEqualityTesters } from "@effect/vitest"

import * as AllowedMentions from "../../src/model/AllowedMentions.js"
import * as Attachment from "../../src/model/Attachment.js"
import * as Color from "../../src/model/Color.js"
import * as Component from "../../src/model/Component.js"
import * as DiscordApiBody from "../../src/model/DiscordApiBody.js"
import * as Embed from "../../src/model/Embed.js"
import * as Emoji from "../../src/model/Emoji.js"
import * as Message from "../../src/model/Message.js"
import * as MessageCreate from "../../src/model/MessageCreate.js"
import * as MessageEdit from "../../src/model/MessageEdit.js"
import * as MessageFlags from "../../src/model/MessageFlags.js"
import * as Poll from "../../src/model/Poll.js"
import * as Snowflake from "../../src/model/Snowflake.js"
import * as User from "../../src/model/User.js"
import * as WebhookInfo from "../../src/model/WebhookInfo.js"
import * as WebhookModify from "../../src/model/WebhookModify.js"
import * as WebhookName from "../../src/model/WebhookName.js"
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
