package browser

import (
	"context"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// All share one Chromium, which takes longer to start than most of them to run.
// Nobody shares cookies.
func TestInARealBrowser(t *testing.T) {
	browser := launch(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, context.Context)
	}{
		{"a person signs in and out", aPersonSignsInAndOut},
		{"going back after the login leads to the page", goingBackAfterTheLoginLeadsToThePage},
		{"a page under another host logs in by the host of the callback", aPageUnderAnotherHostLogsInByTheHostOfTheCallback},
		{"the login page names the application", theLoginPageNamesTheApplication},
		{"a script is told that the login is over", aScriptIsToldThatTheLoginIsOver},
		{"two days later the person logs in again and is where they were", twoDaysLaterThePersonLogsInAgainAndIsWhereTheyWere},
		{"a token is renewed while the person works", aTokenIsRenewedWhileThePersonWorks},
		{"one login is for all applications and so is one logout", oneLoginIsForAllApplicationsAndSoIsOneLogout},
		{"forged callbacks sign nobody in", forgedCallbacksSignNobodyIn},
		{"a callback works once", aCallbackWorksOnce},
		{"an error from the platform is a page", anErrorFromThePlatformIsAPage},
		{"an evil return address stays here", anEvilReturnAddressStaysHere},
		{"the platform sends nobody to a stranger's site", thePlatformSendsNobodyToAStrangersSite},
		{"cookies from before the login are worth nothing after it", cookiesFromBeforeTheLoginAreWorthNothingAfterIt},
		{"planted cookies are worth nothing after the login", plantedCookiesAreWorthNothingAfterTheLogin},
		{"a session changes its ID at the login", aSessionChangesItsIDAtTheLogin},
		{"the login page is for keyboards and screen readers", theLoginPageIsForKeyboardsAndScreenReaders},
		{"the login page is in nobody's frame", theLoginPageIsInNobodysFrame},
		{"other sites sign nobody out", otherSitesSignNobodyOut},
		{"a link to the logout asks first", aLinkToTheLogoutAsksFirst},
		{"a link with an application's parameters asks first", aLinkWithAnApplicationsParametersAsksFirst},
		{"a page shows names as text", aPageShowsNamesAsText},
		{"the login of prismctl ends on the page of the platform", theLoginOfPrismctlEndsOnThePlatformsPage},
		{"every page of the console is for everybody", everyPageOfTheConsoleIsForEverybody},
		{"the overview goes on and leaves what is read", theOverviewGoesOnAndLeavesWhatIsRead},
		{"a page outlives the platform", aPageOutlivesThePlatform},
		{"an ended session leads back to the page", anEndedSessionLeadsBackToThePage},
		{"the console needs no mouse", theConsoleNeedsNoMouse},
		{"the console lives under a path behind nginx", theConsoleLivesUnderAPathBehindNginx},
		{"a flood leaves the live page usable", aFloodLeavesTheLivePageUsable},
		{"other sites do nothing by the console", otherSitesDoNothingByTheConsole},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, browser) })
	}
}
