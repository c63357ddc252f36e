/**
 * Components: buttons and selects in rows, and (Components V2) text, media and outgoing.
 *
 * A webhook that no application owns may send only those that are not interactive: link buttons
 * in rows, and everything of Components V2. The `IsComponentsV2` flag is set for you.
 *
 * @since 0.1.0
 * @module
 */
import type * as Schema from "effect/Schema"

import { ChannelKind, Kind } from "./component/kinds.js"
import * as outgoing from "./component/outgoing.js"
import * as incoming from "./component/incoming.js"
import * as rules from "./composition.js"
import * as resend from "./resend.js"

/**
 * Discord's numbers for the kinds of component.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * Component.Type.TextDisplay // 10
 * ```
 *
 * @see Discord: Component Types
 * @since 0.1.0
 * @category constants
 */
export const Type = Kind

/**
 * Discord's numbers for the kinds of channel, for a {@link channelSelect}.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * Component.ChannelType.Forum // 15
 * ```
 *
 * @see Discord: Channel Types
 * @since 0.1.0
 * @category constants
 */
export const ChannelType = ChannelKind

/**
 * A received component. A component of an unknown type, or whose shape is not the
 * documented one, has `type: "unknown"` and is kept whole in `raw`.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const text = (component: Component.Component) =>
 *   component.type === Component.Type.TextDisplay ? component.content : ""
 * ```
 *
 * @see Discord: Component Reference
 * @since 0.1.0
 * @category models
 */
export const Component = incoming.Component
/**
 * @since 0.1.0
 * @category models
 */
export type Component = typeof Component.Type

/**
 * A top-level component being sent.
 *
 * @example
 * ```ts
 * import type { Component } from "effect-discord"
 *
 * const rule: Component.ComponentCreate = { type: 14, divider: true }
 * ```
 *
 * @see Discord: Component Reference
 * @since 0.1.0
 * @category models
 */
export const ComponentCreate = outgoing.TopLevel
/**
 * @since 0.1.0
 * @category models
 */
export type ComponentCreate = typeof ComponentCreate.Type

/**
 * The components of one message: at most 40 with nested ones, 4000 code points of text together,
 * every `id` and `customId` unique.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(Component.ComponentsCreate)([Component.text("Hello")]) // true
 * ```
 *
 * @see Discord: Using Message Components
 * @since 0.1.0
 * @category models
 */
export const ComponentsCreate = rules.ComponentsCreate

/**
 * A component of an unknown type as JSON. It is sent unchecked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Raw {
  readonly type: "unknown"
  readonly raw: { readonly [field: string]: unknown }
}

/**
 * What a row being sent may hold: buttons, or one select.
 *
 * @since 0.1.0
 * @category models
 */
export type RowItem = Button | Select

/**
 * A row being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface ActionRow extends Schema.Schema.Type<typeof outgoing.ActionRow> {}

/**
 * A button that triggers an interaction.
 *
 * @since 0.1.0
 * @category models
 */
export interface InteractiveButton extends Schema.Schema.Type<typeof outgoing.InteractiveButton> {}

/**
 * A button being sent that opens a URL.
 *
 * @since 0.1.0
 * @category models
 */
export interface LinkButton extends Schema.Schema.Type<typeof outgoing.LinkButton> {}

/**
 * A button being sent that offers a SKU.
 *
 * @since 0.1.0
 * @category models
 */
export interface PremiumButton extends Schema.Schema.Type<typeof outgoing.PremiumButton> {}

/**
 * A select being sent, over options of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface StringSelect extends Schema.Schema.Type<typeof outgoing.StringSelect> {}

/**
 * A select being sent, over the users of the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserSelect extends Schema.Schema.Type<typeof outgoing.UserSelect> {}

/**
 * A select being sent, over the roles of the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoleSelect extends Schema.Schema.Type<typeof outgoing.RoleSelect> {}

/**
 * A select being sent, over users and roles together.
 *
 * @since 0.1.0
 * @category models
 */
export interface MentionableSelect extends Schema.Schema.Type<typeof outgoing.MentionableSelect> {}

/**
 * A select being sent, over the channels of the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelSelect extends Schema.Schema.Type<typeof outgoing.ChannelSelect> {}

/**
 * A button being sent, of any style.
 *
 * @since 0.1.0
 * @category models
 */
export type Button = InteractiveButton | LinkButton | PremiumButton

/**
 * A select being sent, over anything.
 *
 * @since 0.1.0
 * @category models
 */
export type Select = StringSelect | UserSelect | RoleSelect | MentionableSelect | ChannelSelect

/**
 * A text being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface TextDisplay extends Schema.Schema.Type<typeof outgoing.TextDisplay> {}

/**
 * Texts beside a button or a thumbnail, being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Section extends Schema.Schema.Type<typeof outgoing.Section> {}

/**
 * A small picture being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Thumbnail extends Schema.Schema.Type<typeof outgoing.Thumbnail> {}

/**
 * Pictures and videos being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface MediaGallery extends Schema.Schema.Type<typeof outgoing.MediaGallery> {}

/**
 * One picture or video of a gallery being sent.
 *
 * @since 0.1.0
 * @category models
 */
export type GalleryItem = MediaGallery["items"][number]

/**
 * A file shown in a message being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface File extends Schema.Schema.Type<typeof outgoing.File> {}

/**
 * Space between two components being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Separator extends Schema.Schema.Type<typeof outgoing.Separator> {}

/**
 * A framed group being sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Container extends Schema.Schema.Type<typeof outgoing.Container> {}

/**
 * A received component as one to send: without what Discord found out about media, and with a file
 * by its name (`attachment://`), which has to be on the message or sent along. Where a message takes
 * components, received ones may stand as they are.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 * import type { Message } from "effect-discord"
 *
 * const copies = (message: Message.Message) => message.components.map(Component.fromReceived)
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromReceived = (component: Component): ComponentCreate =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what only Discord sets
  resend.component(component) as ComponentCreate

/**
 * A component of a type that this version does not support, as the JSON that Discord documents; it is sent as it
 * is, unchecked. If it belongs to Components V2, give the message the flag `IsComponentsV2`: it is set
 * automatically for known types only.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const next = Component.raw({ type: 99, wobble: true })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const raw = (json: Raw["raw"]): Raw => ({ type: "unknown", raw: json })

/** Discord: Button Styles. */
const styles = { primary: 1, secondary: 2, success: 3, danger: 4 } as const

/** What a constructor takes beside its main arguments. */
type Options<A, Given extends string> = Omit<A, Given | "type" | "style">

/**
 * A row of up to five buttons, or of one select: a row that mixes them does not compile.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const row = Component.actionRow(
 *   Component.linkButton("https://example.com", { label: "Open" }),
 *   Component.linkButton("https://example.com/log", { label: "Log" }),
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const actionRow = (...components: ReadonlyArray<Button> | readonly [Select]): ActionRow => ({
  type: Kind.ActionRow,
  components,
})

/**
 * A button that opens a URL (at most 512 code points).
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const docs = Component.linkButton("https://example.com", { label: "Docs", emoji: { name: "📖" } })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const linkButton = (url: string, options: Options<LinkButton, "url"> = {}): LinkButton => ({
  type: Kind.Button,
  style: 5,
  url,
  ...options,
})

/**
 * A button that sends an interaction. Only webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const approve = Component.button("approve", "success", { label: "Approve" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const button = (
  customId: string,
  style: keyof typeof styles,
  options: Options<InteractiveButton, "customId"> = {},
): InteractiveButton => ({
  type: Kind.Button,
  style: styles[style],
  customId,
  ...options,
})

/**
 * A button that offers an SKU of the application, with Discord's own label and price. Only
 * webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const supporter = Component.premiumButton("1088510058284990888")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const premiumButton = (
  skuId: string,
  options: Options<PremiumButton, "skuId"> = {},
): PremiumButton => ({ type: Kind.Button, style: 6, skuId, ...options })

/**
 * A select over the given options. Only webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const size = Component.select("size", [
 *   { label: "Small", value: "s" },
 *   { label: "Large", value: "l" },
 * ])
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const select = (
  customId: string,
  choices: StringSelect["options"],
  options: Options<StringSelect, "customId" | "options"> = {},
): StringSelect => ({
  type: Kind.StringSelect,
  customId,
  options: choices,
  ...options,
})

/**
 * A select over the users of the server. Only webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const reviewers = Component.userSelect("reviewers", { placeholder: "Who?", maxValues: 3 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const userSelect = (
  customId: string,
  options: Options<UserSelect, "customId"> = {},
): UserSelect => ({ type: Kind.UserSelect, customId, ...options })

/**
 * A select over the roles of the server. Only webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const team = Component.roleSelect("team", {
 *   defaultValues: [{ id: "1102600212839804938", type: "role" }],
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const roleSelect = (
  customId: string,
  options: Options<RoleSelect, "customId"> = {},
): RoleSelect => ({ type: Kind.RoleSelect, customId, ...options })

/**
 * A select over users and roles together. Only webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const audience = Component.mentionableSelect("audience", { minValues: 0, maxValues: 25 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const mentionableSelect = (
  customId: string,
  options: Options<MentionableSelect, "customId"> = {},
): MentionableSelect => ({ type: Kind.MentionableSelect, customId, ...options })

/**
 * A select over the channels of the server, of the given {@link ChannelType}s only, if any. Only
 * webhooks owned by an application may send it.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const where = Component.channelSelect("where", {
 *   channelTypes: [Component.ChannelType.Text, Component.ChannelType.Announcement],
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const channelSelect = (
  customId: string,
  options: Options<ChannelSelect, "customId"> = {},
): ChannelSelect => ({ type: Kind.ChannelSelect, customId, ...options })

/**
 * Markdown text (1 to 4000 code points).
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const heading = Component.text("# Release notes")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const text = (
  content: string,
  options: Options<TextDisplay, "content"> = {},
): TextDisplay => ({ type: Kind.TextDisplay, content, ...options })

/**
 * Up to three texts beside a button or a thumbnail.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const section = Component.section(
 *   [Component.text("A cat")],
 *   Component.thumbnail("https://example.com/cat.png"),
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const section = (
  components: Section["components"],
  accessory: Section["accessory"],
): Section => ({ type: Kind.Section, components, accessory })

/**
 * A small picture, for the side of a section: an http(s) or `attachment://` URL.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const cat = Component.thumbnail("attachment://cat.png", { description: "A cat" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const thumbnail = (url: string, options: Options<Thumbnail, "media"> = {}): Thumbnail => ({
  type: Kind.Thumbnail,
  media: { url },
  ...options,
})

/**
 * One to ten pictures or videos: their URLs, or a {@link galleryItem} to add a description or spoiler.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const cats = Component.mediaGallery(
 *   "attachment://cat-1.png",
 *   Component.galleryItem("attachment://cat-2.png", { description: "A cat, asleep" }),
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const mediaGallery = (...items: ReadonlyArray<string | GalleryItem>): MediaGallery => ({
  type: Kind.MediaGallery,
  items: items.map((item) => (typeof item === "string" ? galleryItem(item) : item)),
})

/**
 * A picture or video of a gallery: an http(s) or `attachment://` URL, with alt text or veiled.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const veiled = Component.galleryItem("https://example.com/ending.png", { spoiler: true })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export function galleryItem(url: string, options: Omit<GalleryItem, "media"> = {}): GalleryItem {
  return { media: { url }, ...options }
}

/**
 * A file sent along with the message: `attachment://name`.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const report = Component.file("attachment://report.pdf")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (url: string, options: Options<File, "file"> = {}): File => ({
  type: Kind.File,
  file: { url },
  ...options,
})

/**
 * Space between two components, with a line unless `divider` is false.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const gap = Component.separator({ divider: false, spacing: 2 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const separator = (options: Options<Separator, never> = {}): Separator => ({
  type: Kind.Separator,
  ...options,
})

/**
 * A framed group with an optional bar of colour.
 *
 * @example
 * ```ts
 * import { Component } from "effect-discord"
 *
 * const box = Component.container([Component.text("All green")], { accentColor: "#57f287" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const container = (
  components: Container["components"],
  options: Options<Container, "components"> = {},
): Container => ({ type: Kind.Container, components, ...options })
