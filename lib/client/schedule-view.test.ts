import { expect, it } from "vitest";
import { scheduleWords } from "./schedule-view.ts";

it.each([
  ["* * * * *", "every minute"],
  ["*/15 * * * *", "every 15 minutes"],
  ["0 * * * *", "every hour"],
  ["20 * * * *", "every hour, 20 minutes past"],
  ["0 */6 * * *", "every 6 hours"],
  ["0 2 * * *", "every day at 02:00"],
  ["5 2 * * 0", "every Sunday at 02:05"],
  ["0 2 * * 1,3,5", "every Monday, Wednesday and Friday at 02:00"],
  ["0 2 1 * *", "on day 1 of every month at 02:00"],
  ["0 10 1 1,4,7,10 *", "on day 1 of January, April, July and October at 10:00"],
  ["0 2 * * 1-5", "0 2 * * 1-5"],
  ["0 2 1 * 1", "0 2 1 * 1"],
  ["0 2 L * *", "0 2 L * *"],
])("says %s as %s", (cron, words) => expect(scheduleWords(cron)).toBe(words));
