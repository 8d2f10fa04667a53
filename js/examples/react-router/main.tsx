// The routes of an app of React Router's, whose blockers are asked before the tab goes.
import { followRoutes } from "@tabard/client/routes";

import { router, show, tabard } from "./app.js";

const routes = followRoutes(tabard, {
  navigate(url, { replace }) {
    const { pathname, search, hash } = new URL(url);
    return router.navigate({ pathname, search, hash }, { replace });
  },
});
router.subscribe(() => routes.follow()); // for browsers without the Navigation API
show(routes);
