// Avatars: a person's stands in their profile, a room's in its row. What is shown is their picture, by its id.

/**
 * The path of a picture below the server's address: of a person, a room or a custom emoji. It opens the picture with a
 * token, or in a browser with the cookie of `Client.readsFiles`; another picture has another path.
 */
export function picturePath(picture: string): string {
  return `/v1/pictures/${picture}`;
}

/** The path of the server's own picture, which strangers may see as well. */
export function serverPicturePath(picture: string): string {
  return `/v1/server/avatar/${picture}`;
}
