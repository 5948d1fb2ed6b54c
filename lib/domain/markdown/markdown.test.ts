import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMarkdown } from "./blocks.ts";
import { toHtml } from "./html.ts";

const html = (text: string) => toHtml(readMarkdown(text)).replaceAll("\n", "");

describe("Markdown", () => {
  test.each([
    ["# Impact\n## It #2", "<h1>Impact</h1><h2>It #2</h2>"],
    ["one\ntwo  \nthree\n\nfour", "<p>one two<br>three</p><p>four</p>"],
    [
      "**strong** and *em* and _em_ and ~~gone~~",
      "<p><strong>strong</strong> and <em>em</em> and <em>em</em> and <s>gone</s></p>",
    ],
    ["**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"],
    ["`a **b**` and ``a ` b``", "<p><code>a **b**</code> and <code>a ` b</code></p>"],
    [
      "- a\n- b\n  more\n  - c\n- [x] d\n- [ ] e",
      "<ul><li>a</li><li>b more<ul><li>c</li></ul></li><li>☑ d</li><li>☐ e</li></ul>",
    ],
    ["3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'],
    ["- a\n\n- b\n\nafter", "<ul><li>a</li><li>b</li></ul><p>after</p>"],
    ["> said\n> **so**", "<blockquote><p>said <strong>so</strong></p></blockquote>"],
    ["```promql\nsum(a) < 1\n```\nafter", "<pre><code>sum(a) &#60; 1</code></pre><p>after</p>"],
    ["a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"],
    ["see https://example.org/a?b=1.", '<p>see <a href="https://example.org/a?b=1">https://example.org/a?b=1</a>.</p>'],
    ["[https://a.example](https://b.example)", '<p><a href="https://b.example">https://a.example</a></p>'],
    [
      "[see [b](https://b.example) and ![c](https://c.example/c.png)](https://a.example)",
      '<p>[see <a href="https://b.example">b</a> and <a href="https://c.example/c.png">c</a>](<a href="https://a.example">https://a.example</a>)</p>',
    ],
    ["[![c](https://c.example/c.png)](https://a.example)", '<p><a href="https://a.example">c</a></p>'],
    ["www.example.org and ada@example.org", "<p>www.example.org and ada@example.org</p>"],
    ["[Roll back relay](action:roll-back?service=fleet/relay)", "<p>Roll back relay</p>"],
    ["- [x]\n- [ ] **e**", "<ul><li>☑ </li><li>☐ <strong>e</strong></li></ul>"],
    [
      "(as https://a.example/x_(y)) or https://b.example/_z, **https://c.example**; xhttps://d.example",
      '<p>(as <a href="https://a.example/x_(y)">https://a.example/x_(y)</a>) or <a href="https://b.example/_z">https://b.example/_z</a>, ' +
        '<strong><a href="https://c.example">https://c.example</a></strong>; xhttps://d.example</p>',
    ],
    ["[chart](/fleet/fleet/relay?from=1&to=2)", '<p><a href="/fleet/fleet/relay?from=1&#38;to=2">chart</a></p>'],
  ])("%j", (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  test("has tables, with bars inside cells and columns on their side", () => {
    expect(html("| a | n |\n|---|--:|\n| x \\| y | 1 |\n| z |\n\nafter")).toBe(
      '<table><thead><tr><th style="text-align: left">a</th><th style="text-align: right">n</th></tr></thead>' +
        '<tbody><tr><td style="text-align: left">x | y</td><td style="text-align: right">1</td></tr>' +
        '<tr><td style="text-align: left">z</td><td style="text-align: right"></td></tr></tbody></table><p>after</p>',
    );
  });

  test.each([
    ["2 * 3 * 4 and snake_case_name and __init__.py"],
    ["an *open mark and a `tick"],
    ["a \\*star\\* stays"],
    ["[no link] (x)"],
  ])("leaves signs that mean nothing as they are: %j", (text) => {
    expect(html(text)).toBe(`<p>${text.replaceAll("\\*", "*").replace("__init__", "<strong>init</strong>")}</p>`);
  });
});

test.each([
  ["see [the *page*]() of it", "see the <em>page</em> of it"],
  ["see ![the picture]() of it", "see the picture of it"],
])("a link that leads nowhere is its words: %s", (text, words) => {
  expect(html(text)).toBe(`<p>${words}</p>`);
});

describe("a text that means harm", () => {
  test.each([
    ["<script>alert(1)</script>"],
    ['<img src=x onerror="alert(1)">'],
    ["[x](javascript:alert(1))"],
    ["[x](JaVaScRiPt:alert(1))"],
    ["[x](data:text/html,<script>1</script>)"],
    ["[x](//evil.example/)"],
    ["[x](/\\evil.example/)"],
    ['![x](https://evil.example/pixel.png?"onload=)'],
    ["![x](data:image/svg+xml;base64,AAAA)"],
    ["![x](/api/incidents/0197a000-0000-7000-8000-000000000012/images/../../../tokens)"],
    ["![x](/api/account)"],
    ['[x"onmouseover="y](https://a.example)'],
    ["```\n</code></pre><script>"],
  ])("puts nothing into the page: %j", (text) => {
    const result = html(text);
    expect(result).not.toMatch(/<(script|img|svg|iframe)|javascript:[^<]*"|href="(data|\/\/|\/\\)|"on\w+=/i);
  });

  test("becomes only known tags, whatever it is", () => {
    const pieces = fc.constantFrom(
      "*",
      "**",
      "_",
      "~~",
      "`",
      "```",
      "[",
      "](",
      ")",
      "!",
      "<b>",
      "\n",
      "\n\n",
      "- ",
      "> ",
      "| ",
      "|-|",
      "# ",
      "1. ",
      "  ",
      "a",
      "\\",
      "https://a.b",
      '"',
      "'",
      "&",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        const tags = toHtml(readMarkdown(parts.join(""))).match(/<[^>]*>?/g) ?? [];
        for (const tag of tags) {
          expect(tag).toMatch(
            /^<\/?(h[1-6]|p|strong|em|s|code|pre|blockquote|ul|ol|li|table|thead|tbody|tr|br|hr)( start="\d+")?>$|^<\/?(th|td)( style="text-align: (left|right|center)")?>$|^<a href="(https:\/\/a\.b[^"<>]*|#[^"<>]*)">$|^<\/a>$/,
          );
        }
      }),
    );
  });

  test.each(
    [
      "*",
      "**a",
      "*a_ ",
      "[",
      "[a](",
      "[a][b]",
      "[a]: b\n",
      "`",
      "`a``",
      "> ",
      "- ",
      "1. ",
      "| a ",
      "a|",
      "_a ",
      "![](",
      "](",
      "~~",
    ].concat(["<a ", "&amp", "\\", "https://a", "https://a.b/(", "mailto:a@b.", " ", "  - "]),
  )("takes no long time: many %j", (piece) => {
    takesNoLongTime(piece.repeat(20_000));
    takesNoLongTime(`${piece}\n`.repeat(5_000));
  });

  test("takes no long time: a heading of many spaces, runs of ticks of all lengths, lists in lists", () => {
    takesNoLongTime(`# a${" ".repeat(100_000)}b`);
    takesNoLongTime(Array.from({ length: 600 }, (_, length) => "`".repeat(length)).join(" "));
    takesNoLongTime(Array.from({ length: 600 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n"));
  });

  function takesNoLongTime(text: string) {
    const started = process.cpuUsage();
    toHtml(readMarkdown(text));
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(3_000);
  }
});
