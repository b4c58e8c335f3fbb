package enginetest

import (
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/tools/failing"
)

func TestMain(m *testing.M) { leak.Main(m) }

func newQueues(_ testing.TB, bounds platform.QueueBounds) platform.Queues { return memory.New(bounds) }

func TestAGoodEnginePasses(t *testing.T) { Queues(t, newQueues) }

// Each row spoils one thing, and names a promise that must notice.
func TestASpoiledEngineFails(t *testing.T) {
	for _, row := range []struct {
		spoiled string
		notices string
		spoil   func(good platform.Queues) platform.Queues
	}{
		{"a message is stored twice", "EveryMatchingQueueGetsAMessageOnce", doubling},
		{"a message is stored twice", "ConsumersShareTheMessages", doubling},
		{"what is published together is turned round", "WhatIsPublishedTogetherIsInOrder", turning},
		{"what is published together goes on after a refusal", "WhatIsPublishedTogetherEndsWithTheFirstRefused", goingOn},
		{"a message is lost", "MessagesKeepTheirOrder", losing},
		{"a message is lost", "NothingIsLostWhenConsumersComeAndGo", losing},
		{"bodies are cut at a zero byte", "ABodyMayHaveAnyBytes", cuttingBodies},
		{"unacknowledged messages go to the end", "CloseReturnsMessagesToTheirPlace", toTheEnd},
		{"returned messages go to the end", "ReturnedMessagesAreBackAtTheirPlace", toTheEnd},
		{"fetch looks at no bytes", "FetchIsBoundedByBytes", greedy},
		{"fetch looks at no bytes", "AWaitingFetchIsBoundedByBytes", greedy},
		{"acknowledgements are dropped", "AcknowledgedMessagesStayAway", deaf},
		{"purge takes what is held", "PurgeLeavesWhatIsHeld", purgeAll},
		{"status makes the topic", "WhatOnlyNeedsATopicMakesNone", statusMakes},
		{"depths leave out the default queue", "DepthsCountEveryQueueOfEveryOwner", namedDepths},
		{"forget does nothing", "ForgetTakesAllOfAnOwner", forgetNothing},
		{"forget leaves the default queue", "ForgetTakesAllOfAnOwner", forgetNamed},
		{"forget leaves the default queue", "ForgetNeedsNoOwner", forgetNamed},
		{"forget leaves the default queue", "ForgetEndsConsumers", forgetNamed},
		{"forget only drops", "AForgottenOwnerBeginsAnew", forgetNamed},
		{"unbind does nothing", "UnbindTakesOnePattern", unbindNever},
		{"unbind does nothing", "UnbindOfWhatIsNotBoundIsRefused", unbindNever},
		{"unbind does nothing", "AnUnboundPatternMakesRoomForAnother", unbindNever},
		{"unbind takes every pattern", "UnbindTakesOnePattern", unbindEverything},
		{"unbind leaves the default queue", "TheDefaultQueueCanBeUnbound", unbindNamed},
		{"resume makes the topic", "ResumeIsConsumeOfWhatIsThere", resumeMakes},
		{"owners are one", "OwnersShareNothing", oneOwner},
		{"a full queue drops silently", "AQueueHoldsItsLimitOfMessages", neverFull},
		{"routing stores where there is room", "PublishIsAllOrNothing", partly},
		{"no limits", "AQueueHoldsItsLimitOfBytes", unlimited},
		{"no limits", "AnOwnerHasItsLimitOfMessages", unlimited},
		{"no limits", "AnOwnerHasItsLimitOfBytes", unlimited},
		{"no limits", "AllOwnersHaveTheirLimitTogether", unlimited},
		{"no limits", "AnOwnerHasItsLimitOfTopics", unlimited},
		{"no limits", "AnOwnerHasItsLimitOfBindings", unlimited},
		{"no limits", "LimitsAreThoseOfAQueue", unlimited},
		{"no limits", "AFullQueueIsNamedWithWhoConsumesIt", unlimited},
		{"no limits", "PublishIsAllOrNothingInACrowd", unlimited},
		{"no limits", "WhatIsTooOldIsNeitherFetchedNorRead", unlimited},
	} {
		t.Run(row.notices+"/"+row.spoiled, func(t *testing.T) {
			t.Parallel() // some notice by waiting
			p := findQueuePromise(t, row.notices)
			if !failing.Does(t, func(tb testing.TB) {
				p.verify(tb, 3*time.Second, func(tb testing.TB, bounds platform.QueueBounds) platform.Queues {
					return row.spoil(newQueues(tb, bounds))
				})
			}) {
				t.Errorf("%s did not notice that %s", row.notices, row.spoiled)
			}
		})
	}
}

func findQueuePromise(t *testing.T, name string) queuePromise {
	for _, p := range queuePromises() {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no promise %s", name)
	return queuePromise{}
}
