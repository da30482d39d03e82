import { useId } from "preact/hooks";
import type { Model } from "../api/types";
import { formatBytes, formatShort } from "../format";
import { findModel, models } from "../state/models";

/** "3.9M parameters, 7.9 MB, 4 bits": what tells one model from another at a glance. */
export function describeModel({ meta }: Model): string {
  const quantized = meta?.quantization && meta.quantization !== "none";
  return [
    meta?.parameters !== undefined && `${formatShort(meta.parameters)} parameters`,
    meta?.stored_bytes !== undefined && formatBytes(meta.stored_bytes),
    quantized ? meta.quantization!.replace(/ in groups of.*/, "") : meta?.dtype,
  ].filter(Boolean).join(", ");
}

export function ModelPicker(props: { value: string; onChange: (id: string) => void; label: string }) {
  const id = useId();
  const unknown = props.value !== "" && !findModel(props.value);
  return (
    <span class="model-picker">
      <label class="visually-hidden" for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {unknown && <option value={props.value}>{props.value}{models.value.length > 0 ? " (not on this server)" : ""}</option>}
        {!unknown && props.value === "" && <option value="">No model</option>}
        {models.value.map((model) => (
          <option key={model.id} value={model.id}>
            {[model.id, describeModel(model)].filter(Boolean).join(" · ")}
          </option>
        ))}
      </select>
    </span>
  );
}
