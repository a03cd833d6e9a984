/** What is remembered of an entity besides its lines: proto/delta/past.go. */
export declare class Past {
    age: number;
    habit: number;
    turn: number;
    astray: boolean;
}
export declare const MAX_AGE = 255;
export declare function ageClass(age: number): number;
export declare function turnClass(turn: number): number;
export declare function turnSize(turn: number): number;
export declare function hintClass(difference: number): number;
