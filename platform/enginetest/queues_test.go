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

// A fault spoils one thing, and names a promise that must notice.
type fault struct {
	spoiled string
	notices string
	spoil   func(good platform.Queues) platform.Queues
}

func faults() []fault {
	return []fault{
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
		{"routes bar nobody", "RoutesTellWhichBindingsMatchAndWhoMayNotListen", barNobody},
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
		{"exchanges are one", "AnExchangeReachesNoQueueOfAnother", oneExchange},
		{"an exchange is one owner", "AnExchangeReachesTheQueuesOfAllItsOwners", echo},
		{"an exchange is one owner", "APublisherNeedsNoQueue", echo},
		{"topics are of all", "OwnersHaveTopicsOfTheirOwn", anyTopic},
		{"a refused message is in some queues", "WhatOneQueueRefusesIsInNone", refusedInPart},
		{"what is published together is turned round", "MessagesOfAPublisherAreInOrderInEveryQueue", turning},
		{"wildcards match system keys", "SystemKeysAreMatchedOnlyWhenNamed", systemForAll},
		{"every message is told to be in one queue", "PublishTellsHowManyQueuesGetAMessage", alwaysOne},
		{"a message that was dropped is told to be in the queue", "AMessageIsNotInTheQueueThatDropsIt", countsRoutes},
		{"a message is stored twice", "AnOwnerMovesWhileOthersPublish", doubling},
		{"an owner moves first, and listens then", "DeclareChangesAllAtOnce", moveFirst},
		{"route stores", "RouteTellsWhatPublishWouldDo", routeStores},
		{"an owner is declared once", "WhatAnOwnerListensToIsCheckedAtEachRouting", declareOnce},
		{"an owner is declared once", "DeclareMovesAnOwnerWithItsBindings", declareOnce},
		{"owners listen to all", "WhatAnOwnerListensToIsCheckedAtEachRouting", listenToAll},
		{"a declared owner begins anew", "DeclareLeavesWhatIsQueued", declareAnew},
		{"a declared owner begins anew", "DeclareTwiceIsOnce", declareAnew},
		{"a declared owner begins anew", "DeclareMovesAnOwnerWithItsBindings", declareAnew},
		{"a declared owner is bound again", "DeclareTwiceIsOnce", bindAgain},
		{"all owners begin as is configured", "AnOwnerBeginsWithBindingsOfItsOwn", beginAs(nil)},
		{"all owners begin with everything", "AnOwnerWithoutBindingsGetsNothing", beginAs(everything())},
		{"all owners begin with everything", "AnOwnerBeginsWithTheConfiguredBindings", beginAs(everything())},
		{"bind declares its owner", "WhatIsNamedBeforeDeclareIsTheZeroOwner", bindElsewhere},
		{"no limits", "AnExchangeHasItsLimitOfQueuesForAKey", unlimited},
		{"no limits", "AnExchangeHasItsLimitOfQueuesWithWildcards", unlimited},
		{"no limits", "AnOwnerBeyondTheFanOutIsRefused", unlimited},
		{"an owner that moves keeps its places", "AnOwnerThatMovesTakesItsPlacesAlong", movesPart},
		{"an unbound pattern keeps its place", "AnExchangeHasItsLimitOfQueuesForAKey", keepsPlaces},
		{"an unbound pattern keeps its place", "AnExchangeHasItsLimitOfQueuesWithWildcards", keepsPlaces},
		{"forget leaves the default queue", "AForgottenOwnerFreesItsPlaceInTheExchange", forgetNamed},
		{"messages have no IDs", "EveryMessageHasAnIDOfItsOwn", renamed(func(platform.MessageID) platform.MessageID { return platform.MessageID{} })},
		{"messages have one ID", "EveryMessageHasAnIDOfItsOwn", renamed(func(id platform.MessageID) platform.MessageID { id.Number = 1; return id })},
		{"IDs differ by queue", "AMessageHasOneIDInAllOfItsQueues", readNamed},
		{"returned messages go to the end", "AMessageKeepsItsID", toTheEnd},
		{"IDs count down", "IDsCountUpInAQueue", renamed(func(id platform.MessageID) platform.MessageID { id.Number = -id.Number; return id })},
		{"what is stored is a copy", "APublisherLearnsTheIDs", publishCopies},
		{"what is dropped has an ID", "APublisherLearnsTheIDs", writeNames},
		{"peek has no bound", "PeekShowsAQueueFromItsHead", peekAs(many, showTheSame)},
		{"peek leaves out bodies", "PeekShowsWholeMessages", peekAs(askTheSame, bodiless)},
		{"peek begins at the head", "PeekGoesOnBehindAMessage", peekAs(fromTheHead, showTheSame)},
		{"peek begins at the head", "PeekBehindAnUnknownMessageIsRefused", peekAs(fromTheHead, showTheSame)},
		{"peek looks for the message", "PeekGoesOnBehindWhatIsGone", peekBehindReady},
		{"peek leaves out what is held", "PeekShowsWhoHoldsAMessage", peekAs(askTheSame, readyOnly)},
		{"peek names nobody", "PeekShowsWhoHoldsAMessage", peekAs(askTheSame, nameless)},
		{"peek removes", "PeekChangesNothing", peekTakes},
		{"limits are not set", "AQueueMayHaveLimitsOfItsOwn", limitsAs(noLimits)},
		{"limits of bytes are not set", "AQueueMayHaveItsOwnLimitOfBytes", limitsAs(noByteLimit)},
		{"a limit of zero is what was set before", "AZeroLimitIsTheDefault", zeroKeeps},
		{"a lower limit removes messages", "ALowerLimitLeavesWhatIsThere", lowerTrims},
		{"limits outlive a queue", "LimitsEndWithTheirQueue", limitsOutlive},
		{"an unknown overflow is the default", "AnUnknownOverflowIsRefused", limitsAs(knownOverflow)},
		{"every full queue refuses", "AFullQueueRefusesItsOwnKeyAndDropsForOthers", refusing},
		{"no message is of the queue's own key", "AFullQueueRefusesItsOwnKeyAndDropsForOthers", ofNobody},
		{"a written message is of the key that it names", "AFullQueueRefusesItsOwnKeyAndDropsForOthers", writesAsNamed},
		{"limits are not set", "AQueueSetToRefuseRefusesAllKeys", limitsAs(noLimits)},
		{"a refused message is in some queues", "AQueueSetToRefuseRefusesAllKeys", refusedElsewhere},
		{"limits are not set", "AQueueSetToDropOldestDropsForAllKeys", limitsAs(noLimits)},
		{"the newest is dropped for the oldest", "AQueueSetToDropOldestDropsForAllKeys", limitsAs(dropTheNewest)},
		{"a platform is told of queues of its own messages", "APlatformIsToldOfDropsButNotOfItsOwnMessages", tellingOfEvents},
		{"limits are not set", "AQueueSetToDropNewestDropsForAllKeys", limitsAs(noLimits)},
		{"held messages are dropped", "HeldMessagesAreNeverDropped", takesHeld},
		{"a drop empties the queue", "AQueueDropsAsManyAsItsBytesNeed", dropsAll},
		{"a drop empties the queue", "AMessageMakesRoomOfAThousandAtMost", dropsAll},
		{"a drop empties the queue", "AMessageLargerThanItsQueueIsDroppedThere", dropsAll},
		{"every full queue refuses", "AMessageLargerThanItsQueueIsDroppedThere", refusing},
		{"drops are not counted", "WhatIsDroppedIsCounted", dropsUncounted},
		{"depths count no drops", "WhatIsDroppedIsCounted", dropsNotDeep},
		{"depths count only what is there", "WhatIsPublishedIsCounted", depthsCounting(onlyWhatIsThere)},
		{"depths do not count what is dropped", "WhatIsPublishedIsCounted", depthsCounting(onlyWhatWasStored)},
		{"nothing is shed", "AnOwnerShedsMessagesBeforeItIsRefused", shedsNothing},
		{"nothing is shed", "AnOwnerShedsBytesBeforeItIsRefused", shedsNothing},
		{"nothing is shed", "AllShedMessagesBeforeOneIsRefused", shedsNothing},
		{"nothing is shed", "AllShedBytesBeforeOneIsRefused", shedsNothing},
		{"all queues shed", "TheLargestQueueShedsFirst", shedsEverywhere},
		{"nothing is shed", "AQueueSetToDropSheds", shedsNothing},
		{"held messages are shed", "HeldMessagesAreNotShed", takesHeld},
		{"all queues shed", "AQueueShedsWhileAMessageOfAnotherKeyIsReady", shedsEverywhere},
		{"all queues shed", "NoOwnerShedsForAnother", shedsEverywhere},
		{"what finds no room is dropped", "AQueueThatNobodyReadsLeavesRoomForThoseOfItsOwner", dropsWithoutRoom},
		{"what finds no room is dropped", "AQueueThatNobodyReadsLeavesRoomForAll", dropsWithoutRoom},
		{"nothing is shed", "AnOwnersLimitRefusesNobodyWhoseMessagesMayGo", shedsNothing},
		{"nothing is shed", "ALimitOfAllRefusesNobodyWhoseMessagesMayGo", shedsNothing},
		{"each delivery is the first attempt", "ADeliveryTellsWhichAttemptItIs", withFetch(firstAttempt)},
		{"what is returned was tried", "OnlyAFailureCountsAsAnAttempt", withConsumer(returnCounts)},
		{"attempts are of all queues", "AttemptsAreCountedInEachQueue", attemptsOfAll},
		{"what failed is returned", "AFailedMessageStaysOutstanding", withConsumer(failReturns)},
		{"fail takes all", "FailIgnoresWhatIsNotOutstanding", withConsumer(failAll)},
		{"a message is parked after twenty attempts", "WithoutALimitAMessageIsTriedForEver", limitsAttempts},
		{"limits of attempts are not set", "AMessageIsParkedAtTheLimitOfAttempts", limitsAs(noAttempts)},
		{"limits of attempts are not set", "AParkedMessageDoesNotStopTheOthers", limitsAs(noAttempts)},
		{"unpark publishes anew", "AMessageThatWasPutBackHasAsManyAttemptsAgain", unparkAnew},
		{"park does nothing", "AParkedMessageIsOutOfTheWay", parkNever},
		{"park leaves what is held", "ParkTakesWhatAConsumerHolds", parkReadyOnly},
		{"park counts all IDs", "ParkIgnoresWhatIsNotInTheQueue", parkCountsAll},
		{"park takes from another queue", "AMessageIsParkedInOneQueue", parkElsewhere},
		{"parked messages have no key", "ParkedMessagesKeepEverything", parkedAs(keyless)},
		{"unpark publishes anew", "ParkedMessagesKeepEverything", unparkAnew},
		{"reasons are cut", "AReasonIsKeptAsText", parkedAs(shortReasons)},
		{"parked messages are turned round", "ParkedMessagesAreShownInTheirOrder", parkedAs(turnedRound)},
		{"unpark publishes anew", "UnparkPutsMessagesBackAtTheirPlace", unparkAnew},
		{"unpark does nothing", "UnparkServesAConsumerThatWaits", unparkNever},
		{"unpark counts all IDs", "UnparkIgnoresWhatIsNotParked", unparkCountsAll},
		{"discard puts back", "DiscardRemovesParkedMessages", discardUnparks},
		{"purge discards", "PurgeLeavesWhatIsParked", purgeDiscards},
		{"drop only purges", "DropTakesWhatIsParked", dropPurges},
		{"forget leaves the default queue", "ForgetTakesWhatIsParked", forgetNamed},
		{"park makes the topic", "ParkingNeedsAQueue", parkMakes},
		{"unpark loses a message", "NothingIsLostWhenMessagesAreParkedMeanwhile", unparkLoses},
		{"no limits", "AQueueHasItsLimitOfParkedMessages", unlimited},
		{"no limits", "AQueueHasItsLimitOfParkedBytes", unlimited},
		{"parked messages fill their queue", "ParkedMessagesLeaveTheirQueueRoom", parkedFill},
		{"no limits", "ParkedMessagesCountForTheirOwner", unlimited},
		{"no limits", "ParkedMessagesCountAmongAll", unlimited},
		{"parked messages are shed", "ParkedMessagesAreNotShed", shedsParked},
		{"parked messages age", "ParkedMessagesDoNotAge", parkedAs(young)},
		{"depths leave out what is parked", "DepthsCountWhatIsParked", depthsWithoutParked},
		{"consumers alone compete", "OfConsumersAloneTheOldestWorks", aloneCompetes},
		{"consumers alone stay in the line", "TheNextConsumerAloneGoesOnInOrder", aloneStays},
		{"consumers alone stay in the line", "AConsumerAloneThatLeavesTheLineHarmsNobody", aloneStays},
		{"all consumers are alone", "OtherConsumersCompeteWithOneAlone", allAlone},
		{"drop only purges", "DropEndsConsumersAlone", dropPurges},
		{"consume alone makes no topic", "ConsumeAloneMakesATopic", aloneResumes},
		{"no limits", "EverythingAtTheSameTimeAddsUp", unlimited},
		{"every set queue refuses", "OneQueueAmongAThousandHarmsNoOther", limitsAs(alwaysRefuse)},
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
		{"a full queue has no owner", "AFullQueueIsNamedWithWhoConsumesIt", fullOfNobody},
		{"no limits", "PublishIsAllOrNothingInACrowd", unlimited},
		{"no limits", "WhatIsTooOldIsGone", unlimited},
		{"content types are left out", "MessagesComeOutAsTheyWentIn", bare},
		{"read takes all", "ReadRemovesFromTheHead", readAll},
		{"read takes what is held", "ReadLeavesWhatIsHeld", takesHeld},
		{"status leaves out what is held", "StatusCounts", readyStatus},
		{"create makes nothing", "CreateBindWriteAndConsumeMakeATopic", createNever},
		{"the list is turned round", "ListIsSortedAndLeavesOutTheDefaultQueue", listBackwards},
		{"create begins anew", "CreateAgainChangesNothing", createAnew},
		{"drop only purges", "DropTakesMessagesAndBindingsAlong", dropPurges},
		{"drop only purges", "DropEndsConsumers", dropPurges},
		{"drop unbinds the default queue", "DropOnlyEmptiesTheDefaultQueue", dropUnbinds},
		{"fetch does not wait", "FetchWaitsForAMessage", withFetch(nothing)},
		{"fetch does not wait", "AnEndedContextEndsFetch", withFetch(nothing)},
		{"fetch does not wait", "CloseEndsFetch", withFetch(nothing)},
		{"fetch does not wait", "CloseServesAConsumerThatWaits", withFetch(nothing)},
		{"fetch does not wait", "ReturnServesAConsumerThatWaits", withFetch(nothing)},
		{"fetch waits for all", "FetchDoesNotWaitForMoreThanThereIs", withFetch(waitForAll)},
		{"leases have one ID", "LeasesHaveDistinctIDs", withFetch(oneID)},
		{"fetch loses what comes late", "NothingIsLostWhenFetchGivesUp", withFetch(lateLoses())},
		{"fetch waits for an owner that is gone", "NoConsumerIsLeftWithAForgottenOwner", leftBehind},
		{"fetch waits for the other consumers", "AConsumerThatTakesNothingHarmsNobody", inTurns},
		{"ack takes all", "AckIgnoresWhatIsNotOutstanding", ackAll},
		{"return gives all", "ReturnIgnoresWhatIsNotOutstanding", returnAll},
		{"returned messages go to the end", "ReturnAfterTheEndIsHarmless", toTheEnd},
		{"routing keys are lower case", "PatternsMatchAsInATopicExchange", lowerCase},
		{"what matches no queue goes to the default", "AMessageWithoutAQueueIsDropped", unroutedToDefault},
	}
}

func TestASpoiledEngineFails(t *testing.T) {
	for _, row := range faults() {
		t.Run(row.notices+"/"+row.spoiled, func(t *testing.T) {
			t.Parallel() // some notice by waiting
			if !notices(t, row.notices, func(tb testing.TB, bounds platform.QueueBounds) platform.Queues {
				return row.spoil(newQueues(tb, bounds))
			}) {
				t.Errorf("%s did not notice that %s", row.notices, row.spoiled)
			}
		})
	}
}

// The bounds have the function that is told of drops, so these faults are in bounds.
func TestWrongWarningsOfDropsAreNoticed(t *testing.T) {
	const promise = "OnDropIsCalledOnceForAWhile"
	type onDrop = func(owner, topic string, dropped uint64)
	for name, spoil := range map[string]func(onDrop) onDrop{
		"never": func(onDrop) onDrop { return nil },
		"for each message": func(good onDrop) onDrop {
			return func(owner, topic string, dropped uint64) {
				for n := range dropped + 10 {
					good(owner, topic, n+1)
				}
			}
		},
		"for another queue": func(good onDrop) onDrop {
			return func(owner, _ string, dropped uint64) { good(owner, "", dropped) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !notices(t, promise, func(tb testing.TB, bounds platform.QueueBounds) platform.Queues {
				bounds.OnDrop = spoil(bounds.OnDrop)
				return newQueues(tb, bounds)
			}) {
				t.Errorf("%s did not notice", promise)
			}
		})
	}
}

func TestEachPromiseIsBrokenByAFault(t *testing.T) {
	broken := map[string]bool{"OnDropIsCalledOnceForAWhile": true}
	for _, f := range faults() {
		broken[f.notices] = true
	}
	for _, p := range queuePromises() {
		if !broken[p.name] {
			t.Errorf("no fault shows that %s can be broken", p.name)
		}
	}
}

// notices reports whether the engine breaks a promise.
func notices(t *testing.T, promise string, open func(testing.TB, platform.QueueBounds) platform.Queues) bool {
	p := findQueuePromise(t, promise)
	return failing.Does(t, func(tb testing.TB) { p.verify(tb, time.Second, open) })
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
