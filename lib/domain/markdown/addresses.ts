/** Whether a link may lead there: to the web, to a mail program, or to a page of Switchyard; never to a script. */
export function isSafeHref(href: string): boolean {
  return /^(https?:\/\/|mailto:|#|\/(?!\/|\\))/i.test(href);
}

/** A link that names something to do, as runbooks have them: `action:roll-back?service=fleet/relay`. */
export function isAction(href: string): boolean {
  return /^action:[a-z][a-z-]{0,40}(\?[\w=&%/.-]*)?$/.test(href);
}

/** An image that the page shows: one inside the text itself or pasted into an incident, so that reading asks nobody else for it. */
export function isSafeImage(source: string): boolean {
  return (
    /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(source) ||
    /^\/api\/incidents\/[0-9a-f-]{36}\/images\/[0-9a-f-]{36}$/.test(source)
  );
}
