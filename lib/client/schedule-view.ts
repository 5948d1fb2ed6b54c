const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const isNumber = (text: string) => /^\d+$/.test(text);
const every = (field: string) => (/^\*\/(\d+)$/.exec(field)?.[1] ? Number(field.slice(2)) : null);
const joined = (names: string[]) => (names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

/** A schedule in words where it is one of the usual kinds: "every day at 02:00". Else the fields as they are. */
export function scheduleWords(cron: string): string {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = cron.trim().split(/\s+/);
  const isEveryDay = day === "*" && month === "*" && weekday === "*";
  const minutes = every(minute);
  if (isEveryDay && hour === "*") {
    if (minute === "*") return "every minute";
    if (minutes !== null) return `every ${minutes} minutes`;
    if (isNumber(minute)) return minute === "0" ? "every hour" : `every hour, ${minute} minutes past`;
  }
  if (!isNumber(minute)) return cron;
  const hours = every(hour);
  if (isEveryDay && hours !== null) return `every ${hours} hours${minute === "0" ? "" : `, ${minute} minutes past`}`;
  if (!isNumber(hour)) return cron;
  const clock = `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (isEveryDay) return `every day ${clock}`;
  if (day === "*" && month === "*" && /^[0-7](,[0-7])*$/.test(weekday)) {
    return `every ${joined(weekday.split(",").map((each) => weekdays[Number(each) % 7] ?? each))} ${clock}`;
  }
  if (isNumber(day) && weekday === "*") {
    if (month === "*") return `on day ${day} of every month ${clock}`;
    if (/^\d+(,\d+)*$/.test(month)) {
      return `on day ${day} of ${joined(month.split(",").map((each) => months[Number(each) - 1] ?? each))} ${clock}`;
    }
  }
  return cron;
}

/** The schedules that a form offers by name. */
export const usualSchedules: readonly string[] = ["0 * * * *", "0 */6 * * *", "0 2 * * *", "0 2 * * 0", "0 2 1 * *"];
