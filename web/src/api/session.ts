// Who looks at the page: the token, kept as long as the browser's tab, and what the service says of it.
import { computed, signal } from "@preact/signals";
import { ROLES, type Me, type Role } from "./types";

const KEY = "tripline.token";

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const token = signal<string | null>(kept());
/** The service wants a token, and has got none or a wrong one. */
export const isLocked = signal(false);
export const me = signal<Me | null>(null);

export function setToken(text: string | null): void {
  token.value = text;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // Without the storage it lasts until the page is left.
  }
}

const rank = computed(() => (me.value === null ? -1 : ROLES.indexOf(me.value.role)));

/** Whether whoever looks may do what needs this role. */
export function may(role: Role): boolean {
  return rank.value >= ROLES.indexOf(role);
}
