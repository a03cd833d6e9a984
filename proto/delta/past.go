package delta

// past is what both sides remember of an entity besides its lines.
type past struct {
	age    int32  // frames since an attribute changed
	motion uint32 // the latest moves: bits that tell which were as expected
	turn   int32  // the latest change of heading
	speed  int32  // per frame, 1/256, when it last moved
}
