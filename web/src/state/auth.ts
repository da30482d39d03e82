import { signal } from "@preact/signals";
import { readLocal, writeLocal } from "./local";

/** The key that requests carry; empty where none is wanted. */
export const apiKey = signal(readLocal("api-key", ""));
/** Set when a call was refused for want of a (good) key: the dialog that asks for one is shown. */
export const keyWanted = signal(false);
/** Grows with each key that was given, so that what had failed can be tried again. */
export const keyVersion = signal(0);

export function askForKey(): void {
  keyWanted.value = true;
}

export function setKey(key: string): void {
  apiKey.value = key.trim();
  writeLocal("api-key", apiKey.value);
  keyWanted.value = false;
  keyVersion.value += 1;
}
