/** Where the picture of a person or of a room is, if it has one. */
type PictureOf = (id: number, isRoom: boolean) => string | null;

let pictureOf = $state.raw<PictureOf>(() => null);

/** The address of a picture; null until somebody knows it: what is beneath knows no state of the client. */
export const addressOf: PictureOf = (id, isRoom) => pictureOf(id, isRoom);

export function showPictures(by: PictureOf): void {
  pictureOf = by;
}
