// The same without the router's own navigate: by the History API.
import { followRoutes } from "@tabard/client/routes";

import { show, tabard } from "./app.js";

show(followRoutes(tabard));
