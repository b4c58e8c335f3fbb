package tour

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

func (s *story) call(ctx context.Context) error {
	res, err := s.client.Get(ctx, "shop/order", prism.Params{"id": "1001"})
	if err != nil {
		return err
	}
	var order struct{ Order, State string }
	if err := res.Decode(&order); err != nil {
		return err
	}
	s.say("called", "GET shop/order id=1001: HTTP %d, order %s is %s (request %s)", res.Status, order.Order, order.State, res.RequestID)
	if order.Order != "1001" || order.State != "paid" {
		return fmt.Errorf("the API answered %s", res.Body)
	}
	status, err := notify.NewQueueClient(s.client).Status(ctx, "")
	if err != nil {
		return err
	}
	s.say("called", "GET platform/notify/status: %s in the queue", counted(status.Messages, "message", "messages"))
	s.show("GET shop/order id=1001: HTTP %d, order %s is %s", res.Status, order.Order, order.State)
	return check(status.Messages == 0, "the queue of a new key is not empty")
}

func (s *story) refusal(ctx context.Context) error {
	wrong, err := prism.New(prism.Config{Server: s.host.url, Key: s.key.ID, Secret: "not-the-secret"})
	if err != nil {
		return err
	}
	defer wrong.CloseIdleConnections()
	_, err = wrong.Get(ctx, "shop/order", prism.Params{"id": "1001"})
	var failure *prism.Error
	if !errors.As(err, &failure) || !errors.Is(err, prism.ErrUnauthorized) || failure.Code != "invalid_sign" {
		return fmt.Errorf("the platform did not refuse the signature: %v", err)
	}
	_, signed, _ := strings.Cut(failure.Message, "the platform signed: ")
	s.say("called", "GET shop/order id=1001, signed with another secret")
	s.say("refused", "HTTP %d %s", failure.Status, failure.Code)
	s.say("explained", "the platform signed %s", signed)
	s.show("HTTP %d %s: the platform signed %s", failure.Status, failure.Code, signed)
	return errors.Join(check(signed != "", "the refusal does not explain itself"),
		check(!strings.Contains(err.Error(), s.key.Secret), "the refusal shows the secret"))
}
