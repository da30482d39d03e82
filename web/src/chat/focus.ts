/** Where the keyboard goes: by id, since the shortcuts are far from the fields. */

export function focusComposer(): void {
  document.getElementById("composer")?.focus();
}

export function focusSearch(): void {
  const input = document.getElementById("conversation-search") as HTMLInputElement | null;
  input?.focus();
  input?.select();
}
