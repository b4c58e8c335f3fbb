package settings

// nearest returns the name that is a slip away from what was written, or "".
func nearest(written string, names []string) string {
	best, least := "", len(written)/2
	for _, name := range names {
		if d := distance(written, name); d <= least && d > 0 {
			best, least = name, d-1
		}
	}
	return best
}

// distance is how many letters must be changed, put in or taken out to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
