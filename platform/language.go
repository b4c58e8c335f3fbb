package platform

import (
	"strconv"
	"strings"
)

// A language is a language of the pages, as in their lang attribute.
type language string

const (
	english language = "en"
	chinese language = "zh-CN"
)

// preferred returns the best language for an Accept-Language header: the one with the
// highest weight, of equal weights the first, and English if the header has neither.
func preferred(accept string) language {
	best, weight := english, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(part, ";")
		if l, ok := spoken(tag); ok && quality(params) > weight {
			best, weight = l, quality(params)
		}
	}
	return best
}

// spoken returns the page's language for a language tag, whatever region and
// script it names.
func spoken(tag string) (language, bool) {
	primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
	switch strings.ToLower(primary) {
	case "zh":
		return chinese, true
	case "en", "*":
		return english, true
	}
	return "", false
}

// quality returns the weight of a language, or 0 if it cannot be parsed.
func quality(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if !strings.EqualFold(strings.TrimSpace(name), "q") || err != nil || !(0 <= q && q <= 1) {
		return 0
	}
	return q
}

// words are the texts of the pages in one language.
type words struct {
	SignIn, ContinueTo, Login, Password string
	WrongPassword, FormExpired          string
	TryLater                            string // with the number of minutes
	SignedOut, SignedOutOf              string
	AskSignOut, AskSignOutOf, SignOut   string
	SignedIn, GoOnInProgram             string
	NotSignedIn, ProgramSaysWhy         string
	LoginDenied, LoginOver, WrongSecret string
	BadLink, BadLinkHelp                string
	Refused, RefusedHelp                string
	Broken, BrokenHelp                  string
	Details                             string
	First, WhatThisIs, APIsAreBelow     string
	ConsoleIsOff, Documentation         string
	NoPage, NoPageHelp, ToFirst         string
}

func (l language) words() words {
	if l == chinese {
		return chineseWords()
	}
	return englishWords()
}

func englishWords() words {
	return words{
		SignIn:         "Sign in",
		ContinueTo:     "to continue to",
		Login:          "Login",
		Password:       "Password",
		WrongPassword:  "Login or password is wrong.",
		FormExpired:    "This page had expired. Please sign in again. If this message comes back, allow cookies for this site.",
		TryLater:       "Too many attempts have failed. Please try again in %d min.",
		SignedOut:      "You are signed out",
		SignedOutOf:    "This also ends your use of all applications that you had signed in to here. You can close this page.",
		AskSignOut:     "Sign out?",
		AskSignOutOf:   "This also signs you out of all applications that you have signed in to here.",
		SignOut:        "Sign out",
		SignedIn:       "You are signed in",
		GoOnInProgram:  "You can close this window and go on in the program in which you began.",
		NotSignedIn:    "You are not signed in",
		ProgramSaysWhy: "The program in which you began says why. You can close this window.",
		LoginDenied:    "The login was refused. The program in which you began says more. You can close this window.",
		LoginOver:      "This login took too long, or was used before. Close this window and begin a new one in the program.",
		WrongSecret:    "The program in which you began has a wrong secret for its key. Close this window, give it the right one, and begin a new login.",
		BadLink:        "This link does not work",
		BadLinkHelp:    "The application that sent you here has made a mistake. Go back and try again; if that does not help, show this page to the application's operator.",
		Refused:        "Not allowed",
		RefusedHelp:    "This was sent by another site and not by this page, so nothing was done. Go back to the application and try again.",
		Broken:         "Something went wrong",
		BrokenHelp:     "Please try again in a moment.",
		Details:        "Details",
		First:          "Prism platform",
		WhatThisIs:     "Programs of shops call APIs here, and send each other messages.",
		APIsAreBelow:   "The APIs are below",
		ConsoleIsOff:   "Its console, with pages for people, is off. Whoever runs the platform switches it on:",
		Documentation:  "Documentation",
		NoPage:         "There is no such page",
		NoPageHelp:     "The platform has nothing at this address.",
		ToFirst:        "To the first page",
	}
}

func chineseWords() words {
	return words{
		SignIn:         "登录",
		ContinueTo:     "登录后将继续访问",
		Login:          "账号",
		Password:       "密码",
		WrongPassword:  "账号或密码不正确。",
		FormExpired:    "页面已过期，请重新登录。如果反复出现此提示，请允许本站使用 Cookie。",
		TryLater:       "失败次数过多，请在 %d 分钟后再试。",
		SignedOut:      "您已退出登录",
		SignedOutOf:    "通过此处登录的所有应用也已一并退出。您可以关闭此页面。",
		AskSignOut:     "要退出登录吗？",
		AskSignOutOf:   "通过此处登录的所有应用也会一并退出。",
		SignOut:        "退出登录",
		SignedIn:       "登录成功",
		GoOnInProgram:  "您可以关闭此窗口，回到发起登录的程序继续操作。",
		NotSignedIn:    "登录未完成",
		ProgramSaysWhy: "具体原因请查看发起登录的程序。您可以关闭此窗口。",
		LoginDenied:    "登录请求被拒绝，详情请查看发起登录的程序。您可以关闭此窗口。",
		LoginOver:      "此次登录已超时或已被使用。请关闭此窗口，在程序中重新登录。",
		WrongSecret:    "发起登录的程序所用密钥的 secret 不正确。请关闭此窗口，更正后重新登录。",
		BadLink:        "链接无效",
		BadLinkHelp:    "将您带到此处的应用出现了错误。请返回后重试；如果仍然不行，请将此页面提供给该应用的管理员。",
		Refused:        "操作被拒绝",
		RefusedHelp:    "此请求由其他网站发出，因此没有执行任何操作。请返回应用后重试。",
		Broken:         "出错了",
		BrokenHelp:     "请稍后再试。",
		Details:        "详细信息",
		First:          "Prism 平台",
		WhatThisIs:     "商家的程序在此调用 API，并互相收发消息。",
		APIsAreBelow:   "API 的路径前缀是",
		ConsoleIsOff:   "供人使用的控制台未开启。平台的运营者可这样开启：",
		Documentation:  "文档",
		NoPage:         "页面不存在",
		NoPageHelp:     "平台在此地址没有任何内容。",
		ToFirst:        "前往首页",
	}
}
