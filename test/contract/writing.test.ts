import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import { ActionRowComponentForMessageRequestSchema } from "discord-api-spec/zod"
import {
  ButtonStyle,
  ChannelType,
  ComponentType,
  FormattingPatterns,
  MessageFlags as Flags,
} from "discord-api-types/v10"

import { Component, Markdown, MessageCreate, MessageFlags, Snowflake } from "../../src/index.js"
import { runs } from "../support/laws.js"

/** The members of an enum of theirs. */
const members = (theirs: object) => new Map<string, unknown>(Object.entries(theirs))

describe("our numbers and those of discord-api-types", () => {
  it("agree on every flag that we name", () => {
    const theirs = members(Flags)
    for (const [name, bit] of Object.entries(MessageFlags.Flag)) {
      expect([name, theirs.get(name)]).toEqual([name, bit])
    }
  })

  it("agree on every kind of component", () => {
    const theirs = members(ComponentType)
    for (const [name, type] of Object.entries(Component.Type)) {
      expect([name, theirs.get(name)]).toEqual([name, type])
    }
  })

  it("agree on every kind of channel that a select takes", () => {
    const theirs = members(ChannelType)
    for (const [name, type] of Object.entries(Component.ChannelType)) {
      expect([
        name,
        theirs.get(name) ?? theirs.get(`Guild${name.replace("Stage", "StageVoice")}`),
      ]).toEqual([name, type])
    }
  })

  it("agree on the styles of buttons", () => {
    const style = (name: "primary" | "secondary" | "success" | "danger") =>
      Component.button("a", name).style
    expect(style("primary")).toBe(ButtonStyle.Primary)
    expect(style("secondary")).toBe(ButtonStyle.Secondary)
    expect(style("success")).toBe(ButtonStyle.Success)
    expect(style("danger")).toBe(ButtonStyle.Danger)
    expect(Component.linkButton("https://a.example").style).toBe(ButtonStyle.Link)
    expect(Component.premiumButton("1").style).toBe(ButtonStyle.Premium)
  })
})

describe("what Markdown writes, read by the patterns of discord-api-types", () => {
  const ids = Arbitrary.make(Snowflake.SnowflakeInput).filter((id) => id.length >= 17)
  const whole = (pattern: RegExp) => new RegExp(`^${pattern.source}$`, pattern.flags)

  it("is a mention of the id it was given (500 ids)", () => {
    fc.assert(
      fc.property(ids, (id) => {
        const groups = (pattern: RegExp, written: string) => whole(pattern).exec(written)?.groups
        expect(groups(FormattingPatterns.User, Markdown.user(id))).toEqual({ id })
        expect(groups(FormattingPatterns.Role, Markdown.role(id))).toEqual({ id })
        expect(groups(FormattingPatterns.Channel, Markdown.channel(id))).toEqual({ id })
        const command = Markdown.command("airhorn play", id)
        expect(groups(FormattingPatterns.SlashCommand, command)).toMatchObject({ id })
        const emoji = Markdown.emoji({ id, name: "LUL" })
        expect(groups(FormattingPatterns.StaticEmoji, emoji)).toMatchObject({ id, name: "LUL" })
        const moving = Markdown.emoji({ id, name: "LUL", animated: true })
        expect(groups(FormattingPatterns.AnimatedEmoji, moving)).toMatchObject({ id })
        const roles = Markdown.navigation("linked-roles", id)
        expect(groups(FormattingPatterns.LinkedRole, roles)).toEqual({ id })
      }),
      { numRuns: runs(500) },
    )
  })

  it("is a page of the server", () => {
    for (const page of ["customize", "browse", "guide", "linked-roles"] as const) {
      expect(Markdown.navigation(page)).toMatch(whole(FormattingPatterns.GuildNavigation))
    }
  })

  it("is a time in each style", () => {
    const moment = DateTime.unsafeMake("2026-01-31T12:00:00Z")
    expect(Markdown.time(moment)).toMatch(whole(FormattingPatterns.DefaultStyledTimestamp))
    const styles = [
      "shortTime",
      "mediumTime",
      "shortDate",
      "longDate",
      "longDateShortTime",
      "fullDateShortTime",
      "shortDateShortTime",
      "shortDateMediumTime",
      "relative",
    ] as const
    const letters = styles.map((style) => {
      const written = Markdown.time(moment, style)
      return whole(FormattingPatterns.StyledTimestamp).exec(written)?.groups?.["style"]
    })
    expect(letters.join("")).toBe("tTdDfFsSR")
  })
})

describe("rows, read by Discord's OpenAPI", () => {
  const button = { label: "a", emoji: { name: "🔥" } }
  const choice = [{ label: "a", value: "a" }]
  const rows: Readonly<Record<string, Component.ActionRow>> = {
    button: Component.actionRow(Component.button("a", "primary", button)),
    linkButton: Component.actionRow(Component.linkButton("https://a.example", button)),
    premiumButton: Component.actionRow(Component.premiumButton("1088510058284990888")),
    select: Component.actionRow(Component.select("a", choice, { placeholder: "b" })),
    userSelect: Component.actionRow(Component.userSelect("a", { maxValues: 25 })),
    roleSelect: Component.actionRow(Component.roleSelect("a", { minValues: 0 })),
    mentionableSelect: Component.actionRow(
      Component.mentionableSelect("a", { defaultValues: [{ id: "1", type: "role" }] }),
    ),
    channelSelect: Component.actionRow(
      Component.channelSelect("a", { channelTypes: Object.values(Component.ChannelType) }),
    ),
  }
  for (const [name, row] of Object.entries(rows)) {
    it.effect(`${name} is one of theirs, with nothing of ours beside it`, () =>
      Effect.map(MessageCreate.encode({ components: [row] }), (wire) => {
        const [written] = JSON.parse(JSON.stringify(wire.components)) as ReadonlyArray<unknown>
        expect(ActionRowComponentForMessageRequestSchema.parse(written)).toStrictEqual(written)
      }),
    )
  }
})
