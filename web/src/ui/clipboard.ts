import { toast } from "../state/toasts";

/** Copies a text and says so. Without a secure context there is no clipboard API; the old command still works. */
export async function copyText(text: string, said = "Copied."): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyOldWay(text);
    toast(said);
  } catch {
    toast("The browser did not allow copying.", { kind: "error" });
  }
}

function copyOldWay(text: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  const holder = document.querySelector("dialog[open]") ?? document.body;
  holder.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("copy refused");
}
