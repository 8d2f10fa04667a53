// Where the backend is, and which organization the page's address names. With --origins the
// demo serves this file with other values; see page.WithOrigins.
export const backend = "/auth";
export const organization = undefined;
