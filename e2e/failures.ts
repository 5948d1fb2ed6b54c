import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

/** A test that failed, or a file that could not be loaded, with the first line of why. */
export type Failure = { file: string; test: string; message: string };

type VitestReport = {
  testResults: {
    name: string;
    message?: string;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
};

type PlaywrightSuite = {
  suites?: PlaywrightSuite[];
  specs?: { title: string; file: string; tests: { results: { error?: { message?: string } }[] }[] }[];
};

/** What failed by vitest's JSON report at this path; empty when there is no report. */
export function vitestFailures(path: string): Failure[] {
  const { testResults } = readReport<VitestReport>(path) ?? { testResults: [] };
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter(({ status }) => status === "failed");
    if (failed.length === 0) return message ? [{ file, test: file, message: firstLine(message) }] : [];
    return failed.map(({ fullName, failureMessages }) => ({
      file,
      test: `${file} > ${fullName}`,
      message: firstLine(failureMessages?.[0]),
    }));
  });
}

/** What failed by Playwright's JSON report at this path, also what then passed when it was tried again; empty when there is no report. */
export function playwrightFailures(path: string): Failure[] {
  const specsOf = (suite: PlaywrightSuite): NonNullable<PlaywrightSuite["specs"]> => [
    ...(suite.specs ?? []),
    ...(suite.suites ?? []).flatMap(specsOf),
  ];
  return specsOf(readReport<PlaywrightSuite>(path) ?? {})
    .filter(({ tests }) => tests.some(({ results }) => results.some(({ error }) => error)))
    .map(({ title, file, tests }) => {
      const messages = tests.flatMap(({ results }) => results.map(({ error }) => error?.message));
      return { file, test: `${file} > ${title}`, message: firstLine(messages.find(Boolean)) };
    });
}

function readReport<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}

function firstLine(message = "no message"): string {
  return message.split("\n", 1)[0] ?? "";
}
