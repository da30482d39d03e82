import { render } from "preact";
import { App } from "./app";
import { loadConversations } from "./chat/store";
import { watchConnection } from "./state/connection";
import { watchModels } from "./state/models";

const root = document.getElementById("app")!;
root.textContent = "";
render(<App />, root);
watchModels();
watchConnection();
void loadConversations();
