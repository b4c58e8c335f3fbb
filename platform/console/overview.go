package console

// The overview is the first page: what needs attention, and how much goes on.

func (c *Console) overviewRoutes() {
	c.page("/{$}", "overview", (*request).overview)
}

type overviewPage struct{}

func (r *request) overview() (any, error) { return overviewPage{}, nil }

var overviewPhrases = map[string]phrase{
	"overview.title": {"Overview", "概览"},
}
