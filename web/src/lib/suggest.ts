// What somebody may mean by what they write into the search.

export interface Suggestion {
  what: string;
  text: string;
  path: string[];
  params?: Record<string, string>;
}

const MOST_RULES = 5;

export function suggestions(text: string, rules: readonly string[]): Suggestion[] {
  const wanted = text.trim();
  if (wanted === "") return [];
  const found: Suggestion[] = [];
  const key: Suggestion = { what: "Key", text: wanted, path: ["keys", wanted] };
  const alerts: Suggestion = { what: "Alerts with", text: wanted, path: ["alerts"], params: { text: wanted } };
  const isId = /^[0-9a-f]{8,32}$/.test(wanted);
  if (isId) found.push({ what: "Alert", text: wanted, path: ["alerts", wanted] });
  const lower = wanted.toLowerCase();
  const named = rules.filter((rule) => rule.toLowerCase().includes(lower.replaceAll(" ", "_")));
  named.sort((one, other) => Number(other.startsWith(lower)) - Number(one.startsWith(lower)));
  const ofRules = named.slice(0, MOST_RULES).map((rule) => ({ what: "Rule", text: rule, path: ["rules", rule] }));
  // `card=c1` is a key; words with spaces are rather none.
  if (wanted.includes("=")) return [...found, key, ...ofRules, alerts];
  if (wanted.includes(" ")) return [...found, ...ofRules, alerts, key];
  return [...found, ...ofRules, key, alerts];
}
